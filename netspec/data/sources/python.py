"""The data set `python`, which a program passes; `netspec.data.passed` reads it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.data.sources import Source
from netspec.language.data import FileFields, Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Python(FileFields, Source):
    """Data that a Python program passes: netspec.train(network, backend, data=(x, y)).

    They are arrays, or examples of a data set of PyTorch or TensorFlow.
    """

    dataset: Literal["python"]

    @property
    def promise(self) -> Promise:
        return Promise(single=False, names_classes=None, validates=True)

    @property
    def passed(self) -> bool:
        return True

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.passed.arrays import open_passed

        return open_passed(request)
