"""The data set `npz`; `netspec.data.npz` reads the archive."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from netspec.data.sources import Source
from netspec.language.data import FileFields, FilePath, Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Npz(FileFields, Source):
    """A NumPy archive of the arrays x_train, y_train, x_test and y_test.

    Several inputs are x_train_NAME each, several outputs y_train_NAME. w_train and w_test, where
    they are there, weigh every example in the loss.
    """

    dataset: Literal["npz"]
    path: Annotated[FilePath, Field(description="The file, seen from the spec's folder.")]

    @property
    def promise(self) -> Promise:
        return Promise(single=False)

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.npz import read_npz
        from netspec.data.table import WEIGHTS, Table, array_name

        inputs, labels, weights = (
            [array_name(column, split) for split in ("train", "test") for column in columns]
            for columns in (request.inputs, request.labels, [WEIGHTS])
        )
        required, optional = (labels, weights) if request.needs_labels else ([], labels + weights)
        return Table.from_arrays(read_npz(folder / self.path, inputs + required, optional))
