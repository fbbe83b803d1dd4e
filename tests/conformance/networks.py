"""The backends that are installed, and those that train."""

from __future__ import annotations

import os
from functools import cache

from frameworks import require
from netspec.backend import Target, find, installed

# PyTorch's threads wait for each other, which on a busy machine takes longer than these networks.
os.environ.setdefault("OMP_NUM_THREADS", "1")

BACKENDS = sorted(installed())
TRAINING = [name for name in BACKENDS if find(name, framework=False).trains]


@cache
def found(name: str) -> Target:
    """The backend of this name. Without its framework the test skips, or fails where CI runs it."""
    require(name)
    return find(name)


def found_training(name: str) -> Target:
    """As `found`, for a backend that trains."""
    target = found(name)
    assert target.trains
    return target
