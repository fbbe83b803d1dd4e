"""A table as text: CSV with commas, semicolons, tabs or bars, in any encoding, read by pyarrow."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.arrow import MISSING_TEXTS, ArrowTable, pyarrow
from netspec.text.diagnostics import DataError, shortened
from netspec.text.files import open_regular

SEPARATORS = (",", ";", "\t", "|")

CODE = r"^\s*0[0-9]"
"""A number with a zero before another digit: a code, such as 007 or 0123."""

_SAMPLE = 1 << 18  # bytes that decide about the encoding, the separator and the columns
_BLOCK = 1 << 18  # bytes that are looked at once
_BLOCK_OF_ROWS = 1 << 20  # bytes that pyarrow parses at once; a longer line is read too
_BEFORE = 8  # bytes before a zero that are looked at
_LONGEST = 2**31 - 1  # characters of a value; Python's csv has a smaller limit
_SAMPLE_LINES = 50
_SHOWN = 20  # lines in a message

_INSIDE = np.array(
    [byte < 128 and (chr(byte).isalnum() or chr(byte) == "+") for byte in range(256)]
)
"""For every byte whether it is a letter, a digit or +, after which no value begins."""

_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}


@dataclass(frozen=True)
class TextFormat:
    """How a text is written; None is what the file itself shows."""

    encoding: str | None = None
    separator: str | None = None
    decimal: str = "."


@dataclass(frozen=True)
class Delimited:
    """A text file of a table: its format, its columns, and what is known of its bytes."""

    path: Path
    shown: str
    """The path in messages."""
    encoding: str
    separator: str
    decimal: str
    columns: tuple[str, ...]
    """The names in the header; `""` is a column without a name."""
    header_line: int
    """The number of the header's first line, from 1."""
    header_end: int
    """The number of the header's last line."""
    quoted: bool
    """Whether there is a quotation mark in the file."""
    maybe_codes: bool
    """Whether a value may begin with a zero and another digit."""

    def schema(self, columns: Sequence[str], types: Mapping[str, Any]) -> Any:
        """The types of columns of which some are known, as the first rows look."""
        return self._open("open_csv", columns, types, []).schema

    def read(
        self, columns: Sequence[str], types: Mapping[str, Any], broken: list[str] | None = None
    ) -> ArrowTable:
        """Some columns of all rows, with the types of pyarrow where they are known.

        Lines of another number of values are left out, and named in `broken`; where it is None
        they are an error. Raises DataError.
        """
        faults: list[Any] = []
        table = self._open("read_csv", columns, types, faults)
        self._report(len(faults), broken)
        return table

    def batches(
        self, columns: Sequence[str], types: Mapping[str, Any], broken: list[str] | None = None
    ) -> Iterator[ArrowTable]:
        """As `read`, a part of the rows at a time. Every column needs a type.

        Raises UnfittingError where a value is not of the type.
        """
        faults: list[Any] = []
        reader = self._open("open_csv", columns, types, faults)
        try:
            yield from reader
        except (pyarrow().ArrowException, UnicodeDecodeError) as error:
            raise self._unreadable(error, types) from None
        self._report(len(faults), broken)

    def _open(
        self, function: str, columns: Sequence[str], types: Mapping[str, Any], faults: list[Any]
    ) -> Any:
        """A table or a reader of pyarrow; broken lines become `faults`."""
        reading = pyarrow("csv")

        def handle(row: Any) -> str:
            faults.append(row)
            return "skip"

        utf8 = self.encoding.startswith("utf-8")
        names = [name or f"\0{place}" for place, name in enumerate(self.columns)]
        try:
            return getattr(reading, function)(
                str(self.path),
                read_options=reading.ReadOptions(
                    column_names=names,
                    skip_rows=self.header_line - 1,
                    skip_rows_after_names=1,
                    encoding="utf8" if utf8 else self.encoding,
                    block_size=_BLOCK_OF_ROWS,
                ),
                parse_options=reading.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=self.quoted,
                    invalid_row_handler=handle,
                ),
                convert_options=reading.ConvertOptions(
                    column_types=dict(types),
                    include_columns=list(columns),
                    null_values=list(MISSING_TEXTS),
                    decimal_point=self.decimal,
                ),
            )
        except (pyarrow().ArrowException, UnicodeDecodeError) as error:
            raise self._unreadable(error, types) from None

    def codes(self, columns: Sequence[str]) -> list[str]:
        """The columns that have a value with a zero before another digit, such as 007."""
        if not self.maybe_codes or not columns:
            return []
        pa, pc = pyarrow(), pyarrow("compute")
        codes: list[str] = []
        remaining = list(columns)
        for batch in self._open("open_csv", columns, dict.fromkeys(columns, pa.string()), []):
            for name in list(remaining):
                column = batch.column(name)
                zeros = column.filter(pc.starts_with(pc.ascii_ltrim_whitespace(column), "0"))
                if pc.any(pc.match_substring_regex(zeros, CODE)).as_py():
                    remaining.remove(name)
                    codes.append(name)
            if not remaining:
                break
        return codes

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row after the header, with the number of its last line. Slow; for messages."""
        with self.path.open(encoding=self.encoding, newline="", errors="replace") as text:
            for line, values in _lines_of(csv.reader(text, delimiter=self.separator)):
                if values and line > self.header_end:
                    yield line, values

    def line_of(self, row: int) -> int:
        """The number of the line of a row, counted from 0, among those that are read."""
        width, index = len(self.columns), -1
        for line, values in self.rows():
            index += len(values) == width
            if index == row:
                return line
        return self.header_end + 1 + row

    def _report(self, count: int, broken: list[str] | None) -> None:
        """Name the lines that pyarrow has left out; their number is all that it knows."""
        if not count:
            return
        width = len(self.columns)
        sentences: list[str] = []
        for line, values in self.rows():
            if (count_of := len(values)) != width:
                values_of = "value" if count_of == 1 else "values"
                sentences.append(f"{self.shown}:{line} has {count_of:,} {values_of}")
        if broken is not None:
            broken.extend(sentences)
            return
        number = max(len(sentences), count)
        message = (
            f"{number:,} line{'s' if number > 1 else ''} of {self.shown} "
            f"{'have' if number > 1 else 'has'} another number of values than its {width:,} columns"
        )
        raise BrokenLinesError(message, sentences)

    def _unreadable(self, error: Exception, types: Mapping[str, Any]) -> DataError:
        if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
            return encoding_error(self.path, self.shown, self.encoding)
        if "conversion error" in str(error):
            wrong = self._wrong_number(types)
            if wrong is None:
                return UnfittingError(f"{self.shown} cannot be read: {error}", "write it again")
            line, name, text = wrong
            message = f"{self.shown}:{line}: {name} is {shortened(text)!r}, which is not a number"
            help = f"correct it, leave it empty, or write `types: {{{name}: category}}`"
            return UnfittingError(message, help)
        reason = str(error).splitlines()[0]
        return DataError(f"{self.shown} cannot be read: {reason}", "write it as CSV again")

    def _wrong_number(self, types: Mapping[str, Any]) -> tuple[int, str, str] | None:
        """The first text that is not a number: its line, its column and the text."""
        is_number = pyarrow("types").is_float64
        places = {name: self.columns.index(name) for name in types if is_number(types[name])}
        for line, values in self.rows():
            for name, place in places.items() if len(values) == len(self.columns) else ():
                text = values[place].strip()
                if text not in MISSING_TEXTS and not is_written_number(text, self.decimal):
                    return line, name, values[place]
        return None


class UnfittingError(DataError):
    """A value that is not of the type of its column."""


class BrokenLinesError(DataError):
    """Lines with too many or too few values, each by its number."""

    def __init__(self, message: str, broken: Sequence[str]) -> None:
        shown = [*broken[:_SHOWN]]
        if len(broken) > _SHOWN:
            shown.append(f"and {len(broken) - _SHOWN:,} more")
        help = "correct them; `on_error: skip` in data leaves them out"
        super().__init__(message, help, shown)
        self.broken = tuple(broken)


def open_delimited(path: Path, shown: str, format: TextFormat) -> Delimited:
    """Look at a text file: its encoding, its separator and its columns. Raises DataError."""
    content, complete = _sample(path, shown)
    if not content.strip():
        raise DataError(f"{shown} is empty", "write a line with the names of columns, and rows")
    encoding = format.encoding or next(
        (name for mark, name in _MARKS.items() if content.startswith(mark)), "utf-8"
    )
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content, final=complete)
    except UnicodeError:
        raise encoding_error(path, shown, encoding) from None
    separator = format.separator or _separator(text, complete=complete)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    line = 0
    names: list[str] = []
    try:
        for names in reader:
            if names:
                break
            line = reader.line_num
    except csv.Error as error:
        message = f"{shown}:{reader.line_num}: this is not a line of CSV: {error}"
        raise DataError(message, "begin with the names of the columns") from None
    columns = tuple(name.strip().removeprefix("\ufeff") for name in names)
    _check_header(columns, shown)
    ascii_based = not encoding.lower().replace("_", "-").startswith(("utf-16", "utf-32"))
    quotes, zeros = _scanned(path, shown, separator, has_nul=not ascii_based)
    file = Delimited(
        path,
        shown,
        encoding,
        separator,
        format.decimal,
        columns,
        header_line=line + 1,
        header_end=reader.line_num,
        quoted=quotes > 0,
        maybe_codes=zeros or not ascii_based,
    )
    if quotes % 2:
        _check_quotes(file)
    return file


def _sample(path: Path, shown: str) -> tuple[bytes, bool]:
    """The first bytes, and whether they are all."""
    try:
        with open_regular(path) as file:
            sample = file.read(_SAMPLE)
    except OSError as error:
        raise _unopened(shown, error) from None
    return sample, len(sample) < _SAMPLE


def _unopened(shown: str, error: OSError) -> DataError:
    message = f"{shown} cannot be read: {error.strerror or error}"
    return DataError(message, "write the path of a CSV or Parquet file")


def _scanned(path: Path, shown: str, separator: str, *, has_nul: bool) -> tuple[int, bool]:
    """The number of quotation marks of a file, and whether a value may be a code.

    Raises DataError where a byte is 0 in an encoding that has no such bytes.
    """
    quotes, zeros, end = 0, False, b""
    try:
        with open_regular(path) as file:
            for block in iter(lambda: file.read(_BLOCK), b""):
                if not has_nul and b"\0" in block:
                    raise _no_text(path, shown)
                quotes += block.count(b'"')
                zeros = zeros or _has_codes(end + block, max(0, len(end) - 2), separator)
                end = block[-_BEFORE:]
    except OSError as error:
        raise _unopened(shown, error) from None
    return quotes, zeros


def _no_text(path: Path, shown: str) -> DataError:
    """The error for a file with a byte 0, which names its first line with one."""
    line = 1
    with open_regular(path) as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            before, zero, _ = block.partition(b"\0")
            line += before.count(b"\n")
            if zero:
                break
    help = "save it as CSV in UTF-8; UTF-16 without a mark needs `encoding: utf-16-le` in data"
    return DataError(f"{shown}:{line} has a byte 0, which no text has", help)


def _has_codes(block: bytes, start: int, separator: str) -> bool:
    """Whether a value may begin with a zero and another digit; sometimes true where none does.

    The first `start` bytes have been looked at.
    """
    values = np.frombuffer(block, np.uint8)
    if len(values) < 3:
        return False
    before, zero, after = values[:-2], values[1:-1], values[2:]
    # After one of -./0123456789: or +, it is inside of a number or a time: 100, 0.05, 2026-01-05.
    codes = (before - np.uint8(ord("-"))) > ord(":") - ord("-")
    codes &= zero == ord("0")
    codes &= (after - np.uint8(ord("0"))) < 10
    places = np.flatnonzero(codes[start:]) + start
    if not places.size or separator.isalnum():
        return bool(places.size)
    # A space after a letter or a digit is inside of a text or a time: 2026-01-05 08:00.
    for _ in range(_BEFORE if separator != " " else 0):
        places = np.maximum(places - (values[places] == ord(" ")), 0)
    return bool((~_INSIDE[values[places]]).any())


def _lines_of(reader: Any) -> Iterator[tuple[int, list[str]]]:  # Any: csv's, which has no name
    """The number of the last line of every row, and its values, which may be of any length."""
    while True:
        limit = csv.field_size_limit(_LONGEST)
        try:
            values = next(reader)
        except StopIteration:
            return
        finally:
            csv.field_size_limit(limit)
        yield reader.line_num, values


def _check_quotes(file: Delimited) -> None:
    """Raise DataError where a quotation mark has no end: pyarrow would take the rest as a value."""
    with file.path.open(encoding=file.encoding, newline="", errors="replace") as text:
        line = 0
        try:
            for end, _ in _lines_of(csv.reader(text, delimiter=file.separator, strict=True)):
                line = end
        except csv.Error:
            message = f"{file.shown}:{line + 1}: a quotation mark has no end"
            help = "close it, or write two of them for one inside of a value"
            raise DataError(message, help) from None


def _separator(text: str, *, complete: bool) -> str:
    """The separator with which most of the first lines have as many values as the header."""
    lines = text.splitlines(keepends=True)
    lines = [line for line in (lines if complete else lines[:-1]) if line.strip()]
    sample = "".join(lines[:_SAMPLE_LINES])

    def fitting(separator: str) -> tuple[float, int]:
        widths = [len(row) for row in csv.reader(io.StringIO(sample), delimiter=separator) if row]
        if not widths or widths[0] < 2:
            return 0.0, 0
        return widths.count(widths[0]) / len(widths), widths[0]

    try:
        return max(SEPARATORS, key=fitting)
    except csv.Error:
        return SEPARATORS[0]


def _check_header(columns: tuple[str, ...], shown: str) -> None:
    if any(re.fullmatch(r"[+-]?\d+[.,]\d+([eE][+-]?\d+)?", name) for name in columns) or all(
        re.fullmatch(r"[+-]?\d+", name) for name in columns
    ):
        message = f"{shown} has no names of columns: its first line has numbers"
        raise DataError(message, "begin the file with a line with the name of every column")
    repeated = [name for name, count in Counter(columns).items() if count > 1 and name]
    if repeated:
        message = f"{shown} has two columns with the name {repeated[0]}"
        raise DataError(message, "rename one of them")


def encoding_error(path: Path, shown: str, encoding: str) -> DataError:
    """The error for a text that is in another encoding, with its first wrong line."""
    line = 1
    decoder = codecs.getincrementaldecoder(encoding)()
    with open_regular(path) as file:
        for block in iter(lambda: file.read(_BLOCK), b""):
            try:
                line += decoder.decode(block).count("\n")
            except UnicodeError as error:
                start = getattr(error, "start", 0)
                line += block[:start].count(b"\n")
                break
    message = f"{shown}:{line} is not text in {encoding.upper().removesuffix('-SIG')}"
    known = "`encoding: cp1252` or `encoding: latin-1`"
    help = f"save it as CSV in UTF-8, or write its encoding in data, as {known}"
    return DataError(message, help)


def is_written_number(text: str, decimal: str = ".") -> bool:
    """Whether a text is a number, with this sign before its fraction."""
    point = re.escape(decimal)
    number = rf"[+-]?(\d+({point}\d*)?|{point}\d+)([eE][+-]?\d+)?|[+-]?(inf|infinity)"
    return re.fullmatch(number, text, re.IGNORECASE) is not None
