"""Random numbers that depend on the seed and on their purpose, and on nothing else."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of a purpose, such as the weight `conv2d.kernel` or the order of an epoch.

    The counter-based Philox (Salmon et al., 2011) is keyed by a hash of both, so that the values of
    one weight stay the same whatever else the network holds.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
