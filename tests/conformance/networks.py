"""The backends that are installed, and those that train; networks to test them with."""

from __future__ import annotations

import os

import pytest

from netspec.backend import Backend, TrainingBackend, find, installed
from netspec.testing.networks import (
    all_random_inputs,
    network,
    of_case,
    random_inputs,
    random_weights,
)
from netspec.text.diagnostics import BackendError

__all__ = [
    "BACKENDS",
    "TRAINING",
    "all_random_inputs",
    "found",
    "found_training",
    "network",
    "of_case",
    "random_inputs",
    "random_weights",
]

# PyTorch's threads wait for each other, which on a busy machine takes longer than these networks.
os.environ.setdefault("OMP_NUM_THREADS", "1")

BACKENDS = sorted(installed())
TRAINING = [name for name in BACKENDS if isinstance(find(name, framework=False), TrainingBackend)]


def found(name: str) -> Backend:
    """The backend of this name. Without its framework the test skips, or fails where CI runs it."""
    try:
        return find(name)
    except BackendError as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


def found_training(name: str) -> TrainingBackend:
    """As `found`, for a backend that trains."""
    backend = found(name)
    assert isinstance(backend, TrainingBackend)
    return backend
