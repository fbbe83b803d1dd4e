"""The loss of every example, from the sums and counts that an evaluation adds up."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.language.training.losses import Loss
from netspec.numerics.losses import positions, summed


def by_example(loss: Loss, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[Any]:
    """The mean loss (n,) over the positions of every example that count, 0 where none does."""
    return summed(loss, outputs, targets) / np.maximum(positions(loss, outputs, targets), 1)
