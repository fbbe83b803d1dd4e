"""MNIST in one file, as keras.datasets keeps it: the programs load nothing of netspec's."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import platformdirs
from numpy.typing import NDArray

FOLDER = Path(os.environ.get("NETSPEC_CACHE") or platformdirs.user_cache_path("netspec"))


def load_data() -> tuple[tuple[NDArray[Any], NDArray[Any]], tuple[NDArray[Any], NDArray[Any]]]:
    """(x_train, y_train), (x_test, y_test), all uint8; the first call writes the file."""
    path = FOLDER / "mnist.npz"
    if not path.exists():
        _write(path)
    with np.load(path) as data:
        return (data["x_train"], data["y_train"]), (data["x_test"], data["y_test"])


def _write(path: Path) -> None:
    """Put netspec's copy of MNIST into one file, uncompressed: the quickest to read."""
    from netspec.data.mnist import load_mnist

    np.savez(path, **load_mnist())
