"""The device of the GPU tests: a GPU if PyTorch finds one, else the CPU with fewer cases."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TypeVar

import pytest

Case = TypeVar("Case")


def _device() -> str:
    if find_spec("torch") is None:
        return "cpu"
    import torch

    return "cuda" if torch.cuda.is_available() else "cpu"


DEVICE = _device()

only_on_gpu = pytest.mark.skipif(DEVICE == "cpu", reason="PyTorch sees no GPU")


def some_of(cases: Sequence[Case], every: int) -> Sequence[Case]:
    """All cases on a GPU, and one of `every` cases on the CPU."""
    return cases if DEVICE == "cuda" else cases[::every]
