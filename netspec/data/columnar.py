"""A table in a columnar file, Parquet or Arrow, or in memory, read by pyarrow."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from netspec.data.arrow import ArrowTable, kind_of, pyarrow
from netspec.text.diagnostics import DataError

FORMATS = {b"PAR1": "parquet", b"ARROW1": "feather", b"FEA1": "feather"}
"""The formats, as pyarrow calls them, by how a file begins. Feather's second version is Arrow's."""

_PANDAS_INDEX = "__index_level_"


@dataclass(frozen=True)
class Columnar:
    """A Parquet or Arrow file, or a table in memory, as a data set of pyarrow."""

    shown: str
    """The path, or another name, in messages."""
    content: Any  # Any: pyarrow ships no types
    path: Path | None = None

    @property
    def schema(self) -> Any:  # Any: pyarrow ships no types
        """The names and types of all columns."""
        return self.content.schema

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of the columns, without the index of a pandas frame."""
        return tuple(name for name in self.schema.names if not name.startswith(_PANDAS_INDEX))

    def kinds(self, columns: Sequence[str]) -> dict[str, str]:
        """number, category or time, for each of some columns. Raises DataError for another type."""
        types = {name: self.schema.field(name).type for name in columns}
        kinds = {name: kind_of(type_) for name, type_ in types.items()}
        for name, kind in kinds.items():
            if kind is None:
                message = f"the column {name} of {self.shown} has the type {types[name]}"
                help = f"write `exclude: [{name}]`, or store numbers, texts or times"
                raise DataError(message, help)
        return {name: str(kind) for name, kind in kinds.items()}

    def batches(self, columns: Sequence[str]) -> Iterator[ArrowTable]:
        """Some columns, a part of the rows at a time."""
        try:
            yield from self.content.to_batches(columns=list(columns))
        except (pyarrow().ArrowException, OSError) as error:
            raise _unreadable(self.path, self.shown, error) from None


def open_columnar(path: Path, shown: str, format: str) -> Columnar:
    """Read the schema of a file. Raises DataError."""
    try:
        content = pyarrow("dataset").dataset(str(path), format=format)
    except (pyarrow().ArrowException, OSError) as error:
        raise _unreadable(path, shown, error) from None
    return Columnar(shown, content, path)


def in_memory(table: ArrowTable, shown: str) -> Columnar:
    """A table that is in memory; `shown` is its name in messages."""
    return Columnar(shown, pyarrow("dataset").dataset(table))


def _unreadable(path: Path | None, shown: str, error: Exception) -> DataError:
    reason = (str(error).splitlines() or [type(error).__name__])[0]
    # pyarrow names the path, once for each of its layers, before the reason.
    reason = reason.rpartition(f"'{path}': ")[2].rstrip(".")
    return DataError(f"{shown} cannot be read: {reason}", "write the file again")
