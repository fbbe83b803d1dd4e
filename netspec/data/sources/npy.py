"""The data set `npy`; `netspec.data.npy` reads each of its files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Self

from pydantic import model_validator

from netspec.data.sources import Source, check_pairs
from netspec.language.data import ARRAY_PARTS, FileFields, FilePath, Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Npy(FileFields, Source):
    """NumPy files with one array each, seen from the spec's folder.

    w_train, w_val and w_test weigh every example in the loss.
    """

    dataset: Literal["npy"]
    x_train: FilePath
    y_train: FilePath | None = None
    w_train: FilePath | None = None
    x_val: FilePath | None = None
    y_val: FilePath | None = None
    w_val: FilePath | None = None
    x_test: FilePath | None = None
    y_test: FilePath | None = None
    w_test: FilePath | None = None

    @model_validator(mode="after")
    def _has_pairs(self) -> Self:
        check_pairs(self, {f"x_{part}": f"y_{part}" for part in ("train", "val", "test")})
        return self

    @property
    def promise(self) -> Promise:
        return Promise(names_classes=None, validates=self.x_val is not None)

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.npy import read_npy
        from netspec.data.table import WEIGHTS, Column, Table

        splits: dict[str, tuple[Column, ...]] = {}
        for part in ("train", "val", "test"):
            paths = {name: getattr(self, f"{name}_{part}") for name in ("x", "y", WEIGHTS)}
            columns = [
                Column(name, read_npy(folder / path, texts=name == "y"))
                for name, path in paths.items()
                if path is not None
            ]
            if columns:
                splits[ARRAY_PARTS[part]] = tuple(columns)
        return Table(splits)
