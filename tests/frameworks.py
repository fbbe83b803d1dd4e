"""Backends that may be missing: their tests are skipped on a user's machine, and fail in CI."""

from __future__ import annotations

import os

import pytest

from netspec.backend import find
from netspec.text.diagnostics import BackendError

TRAINING = ("keras", "torch")


def require(*backends: str) -> None:
    """Skip the test, or in CI fail it, where a framework of one of the backends is missing."""
    for name in backends:
        try:
            find(name)
        except BackendError as error:
            if os.environ.get("CI"):
                pytest.fail(str(error))
            pytest.skip(str(error))
