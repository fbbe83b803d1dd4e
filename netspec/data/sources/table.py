"""The data set `table`; `netspec.data.tables` reads the files."""

from __future__ import annotations

import codecs
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag, model_validator

from netspec.data.sources import Source
from netspec.language.data import FilePath, Portion, Promise
from netspec.language.layers.tagged import Model, as_tuple, fault
from netspec.language.remedies import Remedy

if TYPE_CHECKING:
    from netspec.data.table import Request, Table

_NAMES = Remedy("write it in brackets, as in [price, colour]")


class TimeFormat(Model):
    """A column of times that are not written as in ISO 8601."""

    time: Annotated[
        str,
        Field(
            min_length=2,
            description="How a time is written, in the letters of Python's strptime: %d/%m/%Y.",
        ),
    ]


def _kind(value: object) -> str:
    return "format" if isinstance(value, (dict, TimeFormat)) else "word"


def _origin(value: object) -> str:
    return "portion" if isinstance(value, (dict, Portion)) else "file"


ColumnType: TypeAlias = Annotated[
    Annotated[Literal["number", "category", "time", "text"], Tag("word")]
    | Annotated[TimeFormat, Tag("format")],
    Discriminator(_kind),
]

TestPart: TypeAlias = Annotated[
    Annotated[FilePath, Tag("file")] | Annotated[Portion, Tag("portion")],
    Discriminator(_origin),
]


class TableFiles(Source):
    """A table: a CSV, Parquet or Arrow file, or one file for each part.

    The columns are inputs, except the target. Numbers are standardised, a category is one input for
    each of its values: what this needs is learned from the training part.
    """

    dataset: Literal["table"]
    path: Annotated[
        FilePath | None, Field(description="The file, seen from the spec's folder.")
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
    features: Annotated[
        tuple[str, ...] | None,
        BeforeValidator(as_tuple),
        Field(
            min_length=1,
            description="The columns that become the input, in this order. Without them, all "
            "except `target` and `part`.",
        ),
        _NAMES,
    ] = None
    exclude: Annotated[
        tuple[str, ...],
        BeforeValidator(as_tuple),
        Field(description="Columns that are not read, where there are no `features`."),
        _NAMES,
    ] = ()
    types: Annotated[
        dict[str, ColumnType],
        Field(
            description="The types of columns where they are not what the file looks like: "
            'number, category, time, or {time: "%d/%m/%Y"}.'
        ),
    ] = Field(default_factory=dict)
    part: Annotated[
        str | None,
        Field(description="A column with train, val or test: the part that every row is in."),
    ] = None
    encoding: Annotated[
        str | None,
        Field(
            description="The encoding of a text, such as latin-1 or cp1252. Without it UTF-8, or "
            "UTF-16 where the file begins with its mark."
        ),
    ] = None
    separator: Annotated[
        str | None,
        Field(
            min_length=1,
            max_length=1,
            description="What separates values. Without it, the first lines decide between comma, "
            "semicolon, tab and |.",
        ),
    ] = None
    decimal: Annotated[
        Literal[".", ","], Field(description="What is before the fraction of a number.")
    ] = "."
    on_error: Annotated[
        Literal["stop", "skip"],
        Field(
            description="Whether lines with too many or too few values are an error or are left "
            "out."
        ),
    ] = "stop"

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.path is None and self.train is None:
            help = "write `path: FILE.csv`, or `train: FILE.csv` with `test: FILE.csv`"
            raise fault("dataset", "table names no file", help)
        files = [name for name in ("train", "val", "test") if name in self.paths]
        if self.path is not None and files:
            message = f"path is the file of all parts, and {files[0]} is the file of one"
            raise fault(files[0], message, "write only `path`, or only `train`, `val` and `test`")
        if self.part is not None and self.path is None:
            help = "remove part, or write `path: FILE.csv`"
            raise fault("part", "part is a column of one file with all parts", help)
        if self.scale != 1:
            help = "remove scale: numbers are standardised with their mean and deviation"
            raise fault("scale", "scale divides pixels, and table has none", help)
        if self.resize is not None:
            raise fault("resize", "resize is for images, and table has none", "remove resize")
        self._check_columns()
        return self

    def _check_columns(self) -> None:
        """Raise what a validator raises where the columns do not fit together."""
        if self.features is not None and self.exclude:
            help = "remove exclude: columns that are not in features are not read"
            raise fault("exclude", "features and exclude both choose the columns", help)
        for field in ("features", "exclude"):
            names = getattr(self, field) or ()
            if repeated := [name for name in names if names.count(name) > 1]:
                message = f"{field} has the column {repeated[0]!r} twice"
                raise fault(field, message, "name every column once")
            for other in ("target", "part"):
                if getattr(self, other) in names:
                    message = f"{getattr(self, other)!r} is the {other}, and never a feature"
                    raise fault(field, message, f"remove it from {field}")
        for name, kind in self.types.items():
            if kind == "text":
                message = f"the column {name!r} is a text, which a table does not read yet"
                help = "write category, or leave the column out with `exclude`"
                raise fault(("types", name), message, help)
        if self.encoding is not None and not _is_encoding(self.encoding):
            message = f"there is no encoding {self.encoding!r}"
            raise fault("encoding", message, "write utf-8, utf-16, latin-1 or cp1252")

    @property
    def promise(self) -> Promise:
        return Promise(names_classes=True, columns=True)

    @property
    def own_targets(self) -> bool:
        return self.target is None

    def open(self, folder: Path, request: Request) -> Table:
        from netspec.data.tables import open_table

        return open_table(self, folder, request)


def _is_encoding(name: str) -> bool:
    try:
        known: Any = codecs.lookup(name)  # Any: the attribute is not in the types
    except (LookupError, ValueError):
        return False
    return bool(known._is_text_encoding)  # noqa: SLF001 - there is no other way to know
