"""Random numbers that depend only on the seed and on their purpose."""

from __future__ import annotations

import hashlib

import numpy as np


def generator(seed: int, purpose: str) -> np.random.Generator:
    """The random numbers of a purpose, such as the weight `conv2d.kernel` or the order of an epoch.

    The key of the counter-based Philox (Salmon et al., 2011) is a hash of both. So the values of
    one weight do not depend on the rest of the network.
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}".encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=int.from_bytes(digest, "little")))
