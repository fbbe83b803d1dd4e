"""The data set `idx`; `netspec.data.idx` reads each of its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.data.sources import Source
from netspec.language.data import FileFields, FilePath

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Idx(FileFields, Source):
    """Four files in MNIST's format, gzipped or not, seen from the spec's folder."""

    dataset: Literal["idx"]
    train_images: FilePath
    train_labels: FilePath
    test_images: FilePath
    test_labels: FilePath

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.idx import read_idx
        from netspec.data.table import Table

        files = {
            "x_train": self.train_images,
            "y_train": self.train_labels,
            "x_test": self.test_images,
            "y_test": self.test_labels,
        }
        return Table.from_arrays({name: read_idx(folder / path) for name, path in files.items()})
