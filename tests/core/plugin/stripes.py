"""A data source as another package contains it: one file and one entry point."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from netspec.data.sources import Source
from netspec.data.table import Column, Request, Table
from netspec.language.data import FilePath, Promise
from netspec.language.layers.tagged import Model

SIZE = 4  # pixels
WHITE = 100


class Noise(Model):
    """Values that are added to every pixel."""

    level: int


class Stripes(Source):
    """Images of horizontal and vertical stripes. A text file has one class name on each line."""

    dataset: Literal["stripes"]
    names: FilePath
    count: int = 20
    noise: Noise | None = None

    @property
    def promise(self) -> Promise:
        return Promise(names_classes=True)

    def open(self, folder: Path, request: Request) -> Table:
        names = (folder / self.names).read_text(encoding="utf-8").split()
        brightness = {"train": np.arange(self.count) + 50, "test": np.arange(6) + 90}
        splits = {name: _columns(values) for name, values in brightness.items()}
        return Table(splits, class_names=tuple(names))


def _columns(brightness: NDArray[np.int64]) -> tuple[Column, ...]:
    labels = np.arange(len(brightness), dtype=np.uint8) % 2
    images = np.zeros((len(brightness), SIZE, SIZE, 1), np.uint8)
    images[labels == 0, ::2] = brightness[labels == 0, None, None, None]
    images[labels == 1, :, ::2] = brightness[labels == 1, None, None, None]
    return Column("x", images, value_range=(0, WHITE)), Column("y", labels)
