"""The data set `images`; `netspec.data.images` finds and decodes the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self

from pydantic import Field, model_validator

from netspec.data.sources import Source
from netspec.language.data import FilePath, FolderPath, PartFields, Promise
from netspec.language.layers.tagged import Model, fault

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


class LabelColumns(Model):
    """The names of the columns of a CSV file with labels."""

    file: Annotated[str, Field(description="The names of files, seen from `path`.")] = "file"
    label: Annotated[str, Field(description="The names of classes.")] = "label"
    part: Annotated[str, Field(description="train, val or test; a file may lack this column.")] = (
        "part"
    )


class Images(PartFields, Source):
    """Image files in one folder per class, or with their classes in a CSV file.

    The folder has a folder for every class; or it has the folders train, test and maybe val, each
    with a folder for every class.
    """

    dataset: Literal["images"]
    path: Annotated[FolderPath, Field(description="The folder, seen from the spec's folder.")]
    labels: Annotated[
        FilePath | None,
        Field(
            description="A CSV file with the class of every file; without it, folders are the "
            "classes."
        ),
    ] = None
    columns: Annotated[
        LabelColumns, Field(description="The names of the columns of the CSV file.")
    ] = LabelColumns()
    on_error: Annotated[
        Literal["stop", "skip"],
        Field(description="Whether files that cannot be decoded are an error or are left out."),
    ] = "stop"

    @model_validator(mode="after")
    def _has_columns(self) -> Self:
        if self.labels is None and self.columns != LabelColumns():
            message = "columns are of a CSV file with labels, and there is none"
            raise fault("columns", message, "add `labels: labels.csv`, or remove columns")
        return self

    @property
    def promise(self) -> Promise:
        return Promise(value_range=(0, 255), names_classes=True, validates=True, decoded=True)

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.images import open_images

        return open_images(self, folder, request)
