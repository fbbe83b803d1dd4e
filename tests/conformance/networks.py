"""The backends that are installed, and those that train."""

from __future__ import annotations

import os
from functools import cache

from frameworks import require
from netspec.backend import Backend, TrainingBackend, find, installed

# PyTorch's threads wait for each other, which on a busy machine takes longer than these networks.
os.environ.setdefault("OMP_NUM_THREADS", "1")

BACKENDS = sorted(installed())
TRAINING = [name for name in BACKENDS if isinstance(find(name, framework=False), TrainingBackend)]


@cache
def found(name: str) -> Backend:
    """The backend of this name. Without its framework the test skips, or fails where CI runs it."""
    require(name)
    return find(name)


def found_training(name: str) -> TrainingBackend:
    """As `found`, for a backend that trains."""
    backend = found(name)
    assert isinstance(backend, TrainingBackend)
    return backend
