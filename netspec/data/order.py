"""The random numbers of an epoch: the order of its examples and the seed of its masks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.numerics.seeds import generator


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch sees its images: a permutation of 0 … count - 1.

    Epochs count from 1. The order depends only on the three numbers, so a run that continues from
    its last epoch sees what the unbroken run would have seen.
    """
    return generator(seed, f"order/{epoch}").permutation(count)


def mask_seed(seed: int, epoch: int) -> int:
    """The seed, below 2**31, of the random masks of an epoch."""
    return int(generator(seed, f"masks/{epoch}").integers(2**31))
