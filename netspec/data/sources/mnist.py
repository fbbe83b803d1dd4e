"""The data set `mnist`; `netspec.data.mnist` fetches it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from netspec.data.sources import Source
from netspec.language.data import Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Mnist(Source):
    """Handwritten digits, 28x28 grey: 60,000 to train with, 10,000 to test (LeCun et al., 1998)."""

    dataset: Literal["mnist"]

    @property
    def promise(self) -> Promise:
        return Promise(
            image_shape=(28, 28, 1), classes=10, value_range=(0, 255), preparation="mnist"
        )

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.mnist import load_mnist
        from netspec.data.table import Table

        return Table.from_arrays(load_mnist(), self.promise.value_range)
