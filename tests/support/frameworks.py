"""Backends that may be missing: their tests are skipped on a user's machine, and fail in CI."""

from __future__ import annotations

import os
from functools import cache

import pytest

from netspec.backend import find
from netspec.text.diagnostics import BackendError

TRAINING = ("keras", "torch")


def require(*backends: str) -> None:
    """Skip the test, or in CI fail it, where a framework of one of the backends is missing."""
    for name in backends:
        if (reason := _reason_to_skip(name)) is not None:
            if os.environ.get("CI"):
                pytest.fail(reason)
            pytest.skip(reason)


@cache
def _reason_to_skip(name: str) -> str | None:
    """Why a backend cannot be used. Reading the entry points of all packages takes 15 ms."""
    try:
        find(name)
    except BackendError as error:
        return str(error)
    return None
