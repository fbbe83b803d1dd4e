"""Files of rows and columns: CSV, Parquet and Arrow, read whole or a part of the rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from netspec.data.arrow import (
    ArrowArray,
    ArrowTable,
    categories,
    kind_of,
    numbers,
    parsed_times,
    pyarrow,
    times,
)
from netspec.data.delimited import Delimited, TextFormat, open_delimited
from netspec.data.preparation import PreparedColumn, Values
from netspec.text.diagnostics import DataError, nearest, one_of
from netspec.text.files import open_regular

_PARQUET, _ARROW, _FEATHER, _ZIP, _GZIP = b"PAR1", b"ARROW1", b"FEA1", b"PK\3\4", b"\x1f\x8b"

_MANY = 12  # names in a message


@dataclass(frozen=True)
class Reading:
    """How a file is read: the format of a text, and of times by the name of their column."""

    format: TextFormat = field(default_factory=TextFormat)
    times: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass
class Frame:
    """The columns of a file, as Arrow reads them, and their kinds: number, category or time.

    `broken` are the lines that were left out, a phrase for each.
    """

    file: FrameFile
    kinds: dict[str, str]
    table: ArrowTable
    reading: Reading
    broken: tuple[str, ...] = ()

    def __len__(self) -> int:
        return self.table.num_rows

    def take(self, name: str) -> Values:
        """The values of a column, which then takes no memory in the table any more."""
        column = self.table.column(name)
        self.table = self.table.drop_columns([name])
        return self.file.values(name, column, self.kinds[name], self.reading)


@dataclass(frozen=True)
class FrameFile:
    """A file with its columns, each with the kind that its type in the file has.

    The kind of a column of a text is not known before it is read. `text` is None for a file in
    Parquet or Arrow.
    """

    path: Path
    shown: str
    names: tuple[str, ...]
    text: Delimited | None = None
    schema: Any = None  # Any: a schema of pyarrow

    def check_columns(self, names: Sequence[str]) -> None:
        """Raise DataError where a column is not in the file."""
        for name in names:
            if name not in self.names:
                known = [column for column in self.names if column]
                meant = nearest(name, known)
                more = f" and {len(known) - _MANY:,} more" if len(known) > _MANY else ""
                named = one_of(known[:_MANY], "and") if not more else ", ".join(known[:_MANY])
                message = f"{self.shown} has no column {name!r}; it has {named}{more}"
                help = f"did you mean {meant}?" if meant else "name a column of the file"
                raise DataError(message, help)

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        if self.text is not None:
            return f"{self.shown}:{self.text.line_of(row)}"
        return f"{self.shown}, row {row + 1:,},"

    def values(self, name: str, column: ArrowArray, kind: str, reading: Reading) -> Values:
        """The values of a column as a `Preparation` takes them. Raises DataError."""
        pa = pyarrow()
        if kind == "category":
            return categories(column)
        is_text = kind_of(column.type) == "category"
        if kind == "number":
            if is_text:
                raise self._not(name, "number", "is text in it")
            return numbers(column)
        if is_text:
            parsed = parsed_times(column.cast(pa.string()), reading.times.get(name))
            self._check_times(name, column, parsed, reading.times.get(name))
            return times(parsed)
        if kind_of(column.type) != "time":
            raise self._not(name, "time", "is a number in it")
        return times(column)

    def _check_times(
        self, name: str, column: ArrowArray, parsed: ArrowArray, format: str | None
    ) -> None:
        if parsed.null_count == column.null_count:
            return
        pc = pyarrow("compute")
        wrong = pc.and_kleene(parsed.is_null(), pc.not_equal(column.fill_null(""), ""))
        if not pc.any(wrong).as_py():
            return
        row = pc.index(wrong, True).as_py()
        form = f"written as {format}" if format else "a time in ISO 8601, such as 2026-01-31 18:30"
        message = f"{self.place(row)} has the {name} {column[row].as_py()!r}, which is not {form}"
        help = f'write how it is written: `types: {{{name}: {{time: "%d/%m/%Y"}}}}`'
        raise DataError(message, help)

    def _not(self, name: str, kind: str, why: str) -> DataError:
        message = f"{self.shown} has the {kind} {name}, which {why}"
        return DataError(message, f"write `types: {{{name}: category}}`")


def open_frame(path: Path, shown: str, reading: Reading) -> FrameFile:
    """Look at a file: its format, by its content, and its columns. Raises DataError.

    `shown` is the path in messages.
    """
    try:
        with open_regular(path) as file:
            beginning = file.read(8)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror or error}"
        raise DataError(message, "write the path of a CSV or Parquet file") from None
    if beginning.startswith((_ZIP, _GZIP)):
        kind = "an Excel workbook or another ZIP file" if beginning.startswith(_ZIP) else "packed"
        raise DataError(f"{shown} is {kind}", "save the table as CSV or Parquet")
    if beginning.startswith((_PARQUET, _ARROW, _FEATHER)):
        schema = _schema(path, shown)
        names = tuple(name for name in schema.names if not name.startswith("__index_level_"))
        return FrameFile(path, shown, names, None, schema)
    text = open_delimited(path, shown, reading.format)
    return FrameFile(path, shown, text.columns, text)


def read_frame(
    file: FrameFile,
    columns: Sequence[str],
    kinds: Mapping[str, str],
    reading: Reading,
    *,
    skips_broken: bool = False,
) -> Frame:
    """Some columns of all rows. `kinds` are of columns whose kind is not that of the file."""
    file.check_columns(columns)
    if file.text is None:
        table = _columnar(file, columns)
        _check_types(file, table.schema)
        found = {name: str(kind_of(table.schema.field(name).type)) for name in columns}
        return Frame(file, found | dict(kinds), table, reading)
    pa = pyarrow()
    text = {name: pa.string() for name in columns if kinds.get(name) in ("category", "time")}
    broken: list[str] | None = [] if skips_broken else None
    table = file.text.read(columns, text, broken)
    if any(pa.types.is_binary(field.type) for field in table.schema):
        from netspec.data.delimited import encoding_error

        raise encoding_error(file.path, file.shown, file.text.encoding)
    inferred = [name for name in columns if kinds.get(name) is None]
    found = {name: str(kind_of(table.schema.field(name).type)) for name in inferred}
    numeric = [name for name in inferred if found[name] == "number"]
    if codes := file.text.codes(numeric):
        again = file.text.read(codes, dict.fromkeys(codes, pa.string()), [])
        for name in codes:
            place = table.schema.get_field_index(name)
            table = table.set_column(place, name, again.column(name))
            found[name] = "category"
    return Frame(file, found | dict(kinds), table, reading, tuple(broken or ()))


def read_batches(
    path: Path, columns: Sequence[PreparedColumn], reading: Reading, shown: str | None = None
) -> Iterator[dict[str, Values]]:
    """The columns of a preparation, a part of the rows at a time, in constant memory.

    Each part is what `Preparation.apply` takes: by the name of the column float64 or texts (n,).
    The columns of the file are in any order, others are ignored. Raises DataError, which names a
    column that is missing, and the place of a value that is not of the column's kind.

    `reading` is how the file is written: `reading_of(data)` of the fields `data` of a spec.
    """
    yield from batches_of(open_frame(path, shown or str(path), reading), columns, reading)


def batches_of(
    file: FrameFile, columns: Sequence[PreparedColumn], reading: Reading
) -> Iterator[dict[str, Values]]:
    """As `read_batches`, of a file that is open."""
    names = list(dict.fromkeys(column.name for column in columns))
    file.check_columns(names)
    kinds = {column.name: str(column.kind) for column in columns}
    pa = pyarrow()
    if file.text is None:
        batches = _columnar_batches(file, names)
    else:
        types = {
            name: pa.float64() if kind == "number" else pa.string() for name, kind in kinds.items()
        }
        batches = file.text.batches(names, types)
    for batch in batches:
        table = pa.Table.from_batches([batch])
        yield {name: file.values(name, table.column(name), kinds[name], reading) for name in names}


def texts_of_rows(file: FrameFile) -> Iterator[list[str]]:
    """All columns of every row as texts, `""` where a value is missing, in constant memory."""
    if file.text is not None:
        width = len(file.text.columns)
        yield from (values for _, values in file.text.rows() if len(values) == width)
        return
    for batch in _columnar_batches(file, file.names):
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield ["" if value is None else str(value) for value in values]


def reading_of(data: object) -> Reading:
    """How the files of a data source are written; of a source without tables, the default."""
    from netspec.data.sources.table import TableFiles, TimeFormat

    if not isinstance(data, TableFiles):
        return Reading()
    formats = {name: kind.time for name, kind in data.types.items() if isinstance(kind, TimeFormat)}
    return Reading(TextFormat(data.encoding, data.separator, data.decimal), formats)


def _check_types(file: FrameFile, schema: Any) -> None:
    for column in schema:
        if kind_of(column.type) is None:
            message = f"the column {column.name} of {file.shown} is {column.type}"
            help = "leave it out with `exclude`, or store numbers, texts or times"
            raise DataError(message, help)


def _schema(path: Path, shown: str) -> Any:
    pa = pyarrow()
    try:
        with path.open("rb") as file:
            is_parquet = file.read(4) == _PARQUET
        if is_parquet:
            return pyarrow("parquet").read_schema(str(path))
        return pyarrow("dataset").dataset(str(path), format="feather").schema
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise _broken_file(shown, error) from None


def _columnar(file: FrameFile, columns: Sequence[str]) -> ArrowTable:
    pa = pyarrow()
    try:
        if file.path.open("rb").read(4) == _PARQUET:
            return pyarrow("parquet").read_table(str(file.path), columns=list(columns))
        return pyarrow("feather").read_table(str(file.path), columns=list(columns))
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise _broken_file(file.shown, error) from None


def _columnar_batches(file: FrameFile, columns: Sequence[str]) -> Iterator[ArrowTable]:
    pa = pyarrow()
    try:
        data = pyarrow("dataset").dataset(str(file.path), format=_format(file.path))
        yield from data.to_batches(columns=list(columns))
    except (pa.ArrowInvalid, pa.ArrowException, OSError) as error:
        raise _broken_file(file.shown, error) from None


def _format(path: Path) -> str:
    with path.open("rb") as file:
        return "parquet" if file.read(4) == _PARQUET else "feather"


def _broken_file(shown: str, error: Exception) -> DataError:
    reason = str(error).splitlines()[0]
    return DataError(f"{shown} cannot be read: {reason}", "write the file again")
