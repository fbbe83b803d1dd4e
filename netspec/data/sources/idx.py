"""The data set `idx`; `netspec.data.idx` reads each of its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from netspec.data.sources import Source, check_pairs
from netspec.language.data import FileFields, FilePath, Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Idx(FileFields, Source):
    """Files in MNIST's format, gzipped or not, seen from the spec's folder."""

    dataset: Literal["idx"]
    train_images: FilePath
    train_labels: FilePath | None = None
    val_images: FilePath | None = None
    val_labels: FilePath | None = None
    test_images: FilePath | None = None
    test_labels: FilePath | None = None

    @model_validator(mode="after")
    def _has_pairs(self) -> Self:
        parts = ("train", "val", "test")
        check_pairs(self, {f"{part}_images": f"{part}_labels" for part in parts})
        return self

    @property
    def promise(self) -> Promise:
        return Promise(names_classes=None, validates=self.val_images is not None)

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.idx import read_idx
        from netspec.data.table import Table

        files = {
            "x_train": self.train_images,
            "y_train": self.train_labels,
            "x_validation": self.val_images,
            "y_validation": self.val_labels,
            "x_test": self.test_images,
            "y_test": self.test_labels,
        }
        return Table.from_arrays(
            {name: read_idx(folder / path) for name, path in files.items() if path is not None}
        )
