"""The data set `table`; `netspec.data.tables` reads the files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypeAlias

from pydantic import Discriminator, Field, Tag, model_validator

from netspec.data.sources.rows import RowFiles
from netspec.language.data import FilePath, Portion, Promise
from netspec.language.layers.tagged import fault

if TYPE_CHECKING:
    from netspec.data.table import Request, Table


def _origin(value: object) -> str:
    return "portion" if isinstance(value, (dict, Portion)) else "file"


TestPart: TypeAlias = Annotated[
    Annotated[FilePath, Tag("file")] | Annotated[Portion, Tag("portion")],
    Discriminator(_origin),
]


class TableFiles(RowFiles):
    """A table: a CSV, Parquet or Arrow file, or one file for each part; or a frame in Python.

    The columns are inputs, except the target. Numbers are standardised, a category is one input for
    each of its values: what this needs is learned from the training part.
    """

    dataset: Literal["table"]
    path: Annotated[
        FilePath | None,
        Field(
            description="The file, seen from the spec's folder. Without any file, a Python "
            "program passes the rows."
        ),
    ] = None
    train: Annotated[
        FilePath | None, Field(description="The file of the training part, instead of `path`.")
    ] = None
    val: Annotated[FilePath | None, Field(description="The file of the validation part.")] = None
    test: Annotated[
        TestPart | None,
        Field(
            description="The file of the test part, or which rows it is; without it, a fifth of "
            "the rows, or of every class."
        ),
    ] = None
    # A column, where other sources have one of two words.
    target: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride]
        str | None,
        Field(
            description="The column that the network learns to predict. Without it, the network "
            "is an autoencoder."
        ),
    ] = None
    part: Annotated[
        str | None,
        Field(description="A column with train, val or test: the part that every row is in."),
    ] = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        files = [name for name in ("train", "val", "test") if name in self.paths]
        if files and self.path is None and self.train is None:
            help = "write `path: FILE.csv`, or `train: FILE.csv` with `test: FILE.csv`"
            raise fault("dataset", "table names no file of the training part", help)
        if self.path is not None and files:
            message = f"path is the file of all parts, and {files[0]} is the file of one"
            raise fault(files[0], message, "write only `path`, or only `train`, `val` and `test`")
        if self.part is not None and files:
            help = "remove part, or write `path: FILE.csv`"
            raise fault("part", "part is a column of one file with all parts", help)
        uses = {"target": self.target, "part": self.part}
        self.check_rows({name: use for use, name in uses.items() if name is not None})
        return self

    @property
    def promise(self) -> Promise:
        validates = self.val is not None or self.part is not None or self.passed
        return Promise(names_classes=True, validates=validates, columns=True)

    @property
    def own_targets(self) -> bool:
        return self.target is None

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.tables import open_table

        return open_table(self, folder, request)
