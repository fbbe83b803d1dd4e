"""Files of rows and columns: CSV, Parquet and Arrow, read whole or a part of the rows at a time."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from netspec.data.arrow import (
    ArrowArray,
    ArrowTable,
    categories,
    kind_of,
    numbers,
    parsed_times,
    pyarrow,
    time_form,
    times,
    without_missing,
)
from netspec.data.columnar import FORMATS, Columnar, open_columnar
from netspec.data.delimited import Delimited, TextFormat, UnfittingError, open_delimited
from netspec.data.gathering import gather
from netspec.data.preparation import PreparedColumn, Values
from netspec.data.sources.rows import RowFiles, TimeFormat
from netspec.data.sources.text import TextFiles
from netspec.language.data import DataFields
from netspec.text.diagnostics import DataError, listed, nearest, shortened
from netspec.text.files import open_regular

_FOREIGN = {
    b"PK\3\4": "an Excel workbook or another ZIP file",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"\x1f\x8b": "packed with gzip",
}
TEXTS = ("category", "text")
"""The kinds of columns whose values are texts."""

_MANY = 12  # names in a message


@dataclass(frozen=True)
class Reading:
    """How files are read: the format of a text, and of times by the name of their column."""

    format: TextFormat = field(default_factory=TextFormat)
    times: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class FrameFile:
    """A file of a table, as a text or not, and how it is read."""

    content: Delimited | Columnar
    reading: Reading

    @property
    def shown(self) -> str:
        """The path in messages."""
        return self.content.shown

    @property
    def names(self) -> tuple[str, ...]:
        """The columns, those without a name left out."""
        return tuple(filter(None, self.content.columns))

    @property
    def listed_names(self) -> str:
        """The names of the columns in words."""
        return listed(self.names, _MANY)

    def check_columns(self, names: Sequence[str], help: str = "name a column of the file") -> None:
        """Raise DataError where a column is not in the file, with `help` where no name is near."""
        for name in names:
            if name not in self.names:
                meant = nearest(name, self.names)
                message = f"{self.shown} has no column {name!r}; it has {self.listed_names}"
                raise DataError(message, f"did you mean {meant}?" if meant else help)

    def place(self, row: int) -> str:
        """Where a row, counted from 0, is: for a message."""
        if isinstance(self.content, Delimited):
            return f"{self.shown}:{self.content.line_of(row)}"
        return f"{self.shown}, row {row + 1:,}"

    def values(self, name: str, column: ArrowArray, kind: str, first: int = 0) -> Values:
        """The values of a column as a `Preparation` takes them. Raises DataError.

        `first` is the number of rows before it in the file.
        """
        if kind in TEXTS:
            return categories(column)
        is_text = kind_of(column.type) == "category"
        if kind == "number" and not is_text:
            return numbers(column)
        if kind == "time" and is_text:
            return self._times(name, column, first)
        if kind == "time" and kind_of(column.type) == "time":
            return times(column)
        form = "texts" if is_text else "numbers"
        message = f"{name} is declared as a {kind}, and {self.shown} has {form} in it"
        other = "category" if is_text else "number"
        raise DataError(message, f"write `types: {{{name}: {other}}}`")

    def _times(self, name: str, column: ArrowArray, first: int) -> Values:
        """The seconds of times that are texts."""
        pc = pyarrow("compute")
        texts, format = without_missing(column), self.reading.times.get(name)
        parsed = parsed_times(texts, format)
        wrong = pc.and_(parsed.is_null(), texts.is_valid())
        if not pc.any(wrong).as_py():
            return times(parsed)
        row = pc.index(wrong, True).as_py()
        message = (
            f"{self.place(first + row)}: {name} is {shortened(texts[row].as_py())!r}, which is not "
        )
        help = f'write how times are written: `types: {{{name}: {{time: "%d/%m/%Y"}}}}`'
        raise DataError(message + time_form(format), help)


@dataclass(frozen=True)
class Frame:
    """The columns of a file and their kinds: number, category or time.

    `broken` are the lines that were left out, a phrase for each.
    """

    file: FrameFile
    kinds: Mapping[str, str]
    values: Mapping[str, Values]
    broken: tuple[str, ...] = ()

    def __len__(self) -> int:
        return next(map(len, self.values.values()), 0)


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
    for mark, kind in _FOREIGN.items():
        if beginning.startswith(mark):
            raise DataError(f"{shown} is {kind}", "save the table as CSV or Parquet")
    for mark, format in FORMATS.items():
        if beginning.startswith(mark):
            return FrameFile(open_columnar(path, shown, format), reading)
    return FrameFile(open_delimited(path, shown, reading.format), reading)


def read_frame(
    file: FrameFile,
    columns: Sequence[str],
    kinds: Mapping[str, str],
    *,
    skips_broken: bool = False,
    known: Frame | None = None,
) -> Frame:
    """Some columns of all rows. `kinds` are of the columns whose kind is declared.

    Columns of `known`, which was read of the same file, are read again only as another kind. Raises
    DataError, also where there are no rows.
    """
    file.check_columns(columns)
    if known is None:
        frame = _read(file, columns, kinds, skips_broken=skips_broken)
        # Arrow keeps the memory of what was parsed, and the inputs need memory next.
        pyarrow().default_memory_pool().release_unused()
    else:
        others = [
            name for name in columns if kinds.get(name, known.kinds[name]) != known.kinds[name]
        ]
        frame = known
        if others:
            again = _read(file, others, kinds, skips_broken=skips_broken)
            every_kind, values = {**known.kinds, **again.kinds}, {**known.values, **again.values}
            frame = Frame(file, every_kind, values, known.broken)
    if not len(frame):
        raise DataError(f"{file.shown} has no rows", "write rows after the header")
    return frame


def _read(
    file: FrameFile, columns: Sequence[str], kinds: Mapping[str, str], *, skips_broken: bool
) -> Frame:
    content = file.content
    if isinstance(content, Columnar):
        every_kind = content.kinds([name for name in columns if kinds.get(name) not in TEXTS])
        kinds = {**every_kind, **kinds}
        return Frame(file, kinds, gather(_values(file, content.batches(columns), kinds, columns)))
    looks = _looks(content, columns, kinds)
    numeric = [name for name in columns if name not in kinds and kind_of(looks[name]) == "number"]
    kinds = {**kinds, **dict.fromkeys(content.codes(numeric), "category")}
    broken: list[str] | None = [] if skips_broken else None
    try:
        every_kind = {name: str(kind_of(looks[name])) for name in columns} | kinds
        batches = content.batches(columns, _types(every_kind, kinds, looks), broken)
        values = gather(_values(file, batches, every_kind, columns))
    except UnfittingError:
        # The first rows do not show the type of every column.
        broken = [] if skips_broken else None
        table = content.read(columns, _types(kinds, kinds, looks), broken)
        every_kind = {name: str(kind_of(table.schema.field(name).type)) for name in columns} | kinds
        values = gather(_values(file, [table], every_kind, columns))
    return Frame(file, every_kind, values, tuple(broken or ()))


def batches_of(file: FrameFile, columns: Sequence[PreparedColumn]) -> Iterator[dict[str, Values]]:
    """The columns of a preparation, a part of the rows at a time, in constant memory.

    Each part is what `Preparation.apply` takes: by the name of the column float64 or texts (n,).
    The columns of the file are in any order, others are ignored. Raises DataError, which names a
    column that is missing, and the place of a value that is not of the column's kind.
    """
    kinds = {column.name: str(column.kind) for column in columns}
    file.check_columns(list(kinds), "add the column: the network was trained with it")
    content = file.content
    if isinstance(content, Columnar):
        content.kinds([name for name, kind in kinds.items() if kind not in TEXTS])
        batches = content.batches(list(kinds))
    else:
        looks = _looks(content, list(kinds), kinds)
        batches = content.batches(list(kinds), _types(kinds, kinds, looks))
    yield from _values(file, batches, kinds, list(kinds))


def _values(
    file: FrameFile, batches: Iterable[ArrowTable], kinds: Mapping[str, str], columns: Sequence[str]
) -> Iterator[dict[str, Values]]:
    """The values of the columns of tables or batches of Arrow, by their names."""
    pa, first = pyarrow(), 0
    for batch in batches:
        table = batch if isinstance(batch, pa.Table) else pa.Table.from_batches([batch])
        if table.num_rows:
            yield {
                name: file.values(name, table.column(name), kinds[name], first) for name in columns
            }
        first += table.num_rows


def texts_of_rows(file: FrameFile) -> Iterator[list[str]]:
    """All columns of every row as texts, `""` where a value is missing, in constant memory.

    Raises DataError.
    """
    content = file.content
    if isinstance(content, Delimited):
        width = len(content.columns)
        try:
            yield from (values for _, values in content.rows() if len(values) == width)
        except csv.Error as error:
            message = f"{file.shown} cannot be read: {error}"
            raise DataError(message, "save the table as Parquet") from None
        return
    for batch in content.batches(list(file.names)):
        columns = [column.to_pylist() for column in batch.columns]
        for values in zip(*columns, strict=True):
            yield ["" if value is None else str(value) for value in values]


def reading_of(data: DataFields | None) -> Reading:
    """How the files of a table are written that the fields of a spec describe."""
    if isinstance(data, TextFiles):
        return Reading(TextFormat(data.encoding, data.separator))
    if not isinstance(data, RowFiles):
        return Reading()
    formats = {name: kind.time for name, kind in data.types.items() if isinstance(kind, TimeFormat)}
    return Reading(TextFormat(data.encoding, data.separator, data.decimal), formats)


def _looks(
    content: Delimited, columns: Sequence[str], kinds: Mapping[str, str]
) -> dict[str, object]:
    """The types of pyarrow that the first rows of a text show; texts where a kind is declared."""
    text = pyarrow().string()
    declared = {name: text for name in columns if kinds.get(name) in (*TEXTS, "time")}
    schema = content.schema(columns, declared)
    return {name: schema.field(name).type for name in columns}


def _types(
    kinds: Mapping[str, str], declared: Mapping[str, str], looks: Mapping[str, object]
) -> dict[str, object]:
    """The types of pyarrow that the columns of a text are read as."""
    pa = pyarrow()
    types: dict[str, object] = {}
    for name in filter(looks.__contains__, kinds):
        if kinds[name] == "number":
            # true and false are numbers too.
            is_boolean = pa.types.is_boolean(looks[name])
            types[name] = looks[name] if is_boolean else pa.float64()
        else:
            is_time = kinds[name] == "time" and name not in declared
            types[name] = looks[name] if is_time else pa.string()
    return types
