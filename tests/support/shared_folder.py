"""A folder that every test process of a run shares: the first one fills it, the others wait."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def shared_folder(factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """The folder of this name, filled once for all processes of pytest-xdist."""
    base = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # of the folders of the workers
    folder, partial = base / name, base / f"{name}.partial"
    with FileLock(base / f"{name}.lock"):
        if not folder.exists():
            partial.mkdir(exist_ok=True)
            fill(partial)
            partial.rename(folder)
    return folder
