"""The data set `npz`; `netspec.data.npz` reads the archive."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from netspec.data.sources import Source
from netspec.language.data import FileFields, FilePath, Promise

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class Npz(FileFields, Source):
    """A NumPy archive of the arrays x_train, y_train, x_test and y_test.

    x_val and y_val are the validation part. Several inputs are x_train_NAME each, several outputs
    y_train_NAME. w_train, w_val and w_test, where they are there, weigh every example in the loss.
    """

    dataset: Literal["npz"]
    path: Annotated[FilePath, Field(description="The file, seen from the spec's folder.")]
    arrays: Annotated[
        dict[str, str],
        Field(
            default_factory=dict,
            description="The names of arrays in the file by the names above, as "
            "{x_train: images, y_train: labels}.",
        ),
    ]

    @property
    def promise(self) -> Promise:
        return Promise(single=False, names_classes=None, validates=True)

    @property
    def renamed(self) -> Mapping[str, str]:
        return self.arrays

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.archive import open_archive

        return open_archive(folder / self.path, request, self.arrays)
