"""The fields of the sources that read files of values and texts: CSV, Parquet, Arrow, text."""

from __future__ import annotations

import codecs
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BeforeValidator, Discriminator, Field, Tag

from netspec.data.sources import Source
from netspec.language.layers.tagged import Model, as_tuple, fault
from netspec.language.remedies import Remedy

NAMES = Remedy("write it in brackets, as in [price, colour]")


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


ColumnType: TypeAlias = Annotated[
    Annotated[Literal["number", "category", "time", "text"], Tag("word")]
    | Annotated[TimeFormat, Tag("format")],
    Discriminator(_kind),
]


class WrittenFiles(Source):
    """A source whose examples are values and texts in files, which may be written in many ways."""

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
    on_error: Annotated[
        Literal["stop", "skip"],
        Field(
            description="Whether what cannot be read, such as a line with too many values, is an "
            "error or is left out."
        ),
    ] = "stop"

    @property
    def passed(self) -> bool:
        return not self.paths

    def check_writing(self, help: str) -> None:
        """Raise what a validator raises where the fields are for other sources, or wrong.

        `help` is what to do about `scale`.
        """
        if self.scale != 1:
            raise fault("scale", f"scale divides pixels, and {self.dataset} has none", help)
        if self.resize is not None:
            message = f"resize is for images, and {self.dataset} has none"
            raise fault("resize", message, "remove resize")
        if self.encoding is not None and not _is_encoding(self.encoding):
            message = f"there is no encoding {self.encoding!r}"
            raise fault("encoding", message, "write utf-8, utf-16, latin-1 or cp1252")


class RowFiles(WrittenFiles):
    """A source whose examples are made of the rows of files, with the names of their columns."""

    features: Annotated[
        tuple[str, ...] | None,
        BeforeValidator(as_tuple),
        Field(
            min_length=1,
            description="The columns that become the input, in this order. Without them, all "
            "that have no other use.",
        ),
        NAMES,
    ] = None
    exclude: Annotated[
        tuple[str, ...],
        BeforeValidator(as_tuple),
        Field(description="Columns that are not read, where there are no `features`."),
        NAMES,
    ] = ()
    types: Annotated[
        dict[str, ColumnType],
        Field(
            description="The types of columns where they are not what the file looks like: "
            'number, category, time, or {time: "%d/%m/%Y"}.'
        ),
    ] = Field(default_factory=dict)
    decimal: Annotated[
        Literal[".", ","], Field(description="What is before the fraction of a number.")
    ] = "."

    @property
    def declared_kinds(self) -> dict[str, str]:
        """number, category or time, for each of the columns in `types`."""
        return {
            name: "time" if isinstance(kind, TimeFormat) else str(kind)
            for name, kind in self.types.items()
        }

    def check_rows(self, uses: dict[str, str]) -> None:
        """Raise what a validator raises where the fields do not fit together.

        `uses` are the columns that cannot be features, each with what it is.
        """
        self.check_writing("remove scale: numbers are standardised with their mean and deviation")
        if self.features is not None and self.exclude:
            help = "remove exclude: columns that are not in features are not read"
            raise fault("exclude", "features and exclude both choose the columns", help)
        for field in ("features", "exclude"):
            names = getattr(self, field) or ()
            if repeated := [name for name in names if names.count(name) > 1]:
                message = f"{field} has the column {repeated[0]!r} twice"
                raise fault(field, message, "name every column once")
            for name in filter(uses.__contains__, names):
                message = f"{name!r} is the {uses[name]}, and never a feature"
                raise fault(field, message, f"remove it from {field}")
        for name, kind in self.types.items():
            if kind == "text":
                message = f"the column {name!r} is a text, which a table does not read yet"
                help = "write category, or leave the column out with `exclude`"
                raise fault(("types", name), message, help)


def _is_encoding(name: str) -> bool:
    try:
        known: Any = codecs.lookup(name)  # Any: the attribute is not in the types
    except (LookupError, ValueError):
        return False
    return bool(known._is_text_encoding)  # noqa: SLF001 - there is no other way to know
