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

from netspec.data.arrow import ArrowTable, pyarrow
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular

SEPARATORS = (",", ";", "\t", "|")

MISSING_NUMBERS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "?"),
)
"""What is written where a number or a time is missing: pyarrow's list, None and `?`."""

CODE = r"^\s*0[0-9]"
"""A number with a zero before another digit: a code, such as 007 or 0123."""

_SAMPLE = 1 << 18  # bytes that decide about the encoding, the separator and the columns
_BLOCK = 1 << 18
_SAMPLE_LINES = 50
_SHOWN = 20  # lines in a message

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

    def read(
        self, columns: Sequence[str], types: Mapping[str, Any], broken: list[str] | None = None
    ) -> ArrowTable:
        """Some columns of all rows, with the types of pyarrow where they are known.

        Lines of another number of values are left out, and named in `broken`; where it is None
        they are an error. Raises DataError.
        """
        return self._read("read_csv", columns, types, broken)

    def batches(self, columns: Sequence[str], types: Mapping[str, Any]) -> Iterator[ArrowTable]:
        """As `read`, a part of the rows at a time. Every column needs a type."""
        reader = self._read("open_csv", columns, types, None)
        pa = pyarrow()
        while True:
            try:
                yield reader.read_next_batch()
            except StopIteration:
                return
            except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
                raise self._unreadable(error) from None

    def _read(
        self, function: str, columns: Sequence[str], types: Mapping[str, Any], broken: Any
    ) -> Any:
        pa, reading = pyarrow(), pyarrow("csv")
        faults: list[Any] = []

        def handle(row: Any) -> str:
            faults.append(row)
            return "skip"

        utf8 = self.encoding.startswith("utf-8")
        names = [name or f"\0{place}" for place, name in enumerate(self.columns)]
        try:
            table = getattr(reading, function)(
                str(self.path),
                read_options=reading.ReadOptions(
                    column_names=names,
                    skip_rows=self.header_line - 1,
                    skip_rows_after_names=1,
                    encoding="utf8" if utf8 else self.encoding,
                ),
                parse_options=reading.ParseOptions(
                    delimiter=self.separator,
                    newlines_in_values=self.quoted,
                    invalid_row_handler=handle,
                ),
                convert_options=reading.ConvertOptions(
                    column_types=dict(types),
                    include_columns=list(columns),
                    null_values=list(MISSING_NUMBERS),
                    decimal_point=self.decimal,
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowKeyError, UnicodeDecodeError) as error:
            raise self._unreadable(error) from None
        if faults:
            self._report(len(faults), broken)
        return table

    def codes(self, columns: Sequence[str]) -> list[str]:
        """The columns that have a value with a zero before another digit, such as 007."""
        if not self.maybe_codes or not columns:
            return []
        pa, pc = pyarrow(), pyarrow("compute")
        found: list[str] = []
        remaining = list(columns)
        reader = self._read("open_csv", columns, dict.fromkeys(columns, pa.string()), None)
        for batch in reader:
            for name in list(remaining):
                matched = pc.match_substring_regex(batch.column(name), CODE)
                if pc.any(matched).as_py():
                    remaining.remove(name)
                    found.append(name)
            if not remaining:
                break
        return found

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row after the header, with the number of its last line. Slow; for messages."""
        with self.path.open(encoding=self.encoding, newline="", errors="replace") as text:
            reader = csv.reader(text, delimiter=self.separator)
            for values in reader:
                if values and reader.line_num > self.header_end:
                    yield reader.line_num, values

    def line_of(self, row: int) -> int:
        """The number of the line of a row, counted from 0, among those that are read."""
        width, index = len(self.columns), -1
        for line, values in self.rows():
            index += len(values) == width
            if index == row:
                return line
        return self.header_end + 1 + row

    def _report(self, count: int, broken: list[str] | None) -> None:
        width = len(self.columns)
        sentences: list[str] = []
        for line, values in self.rows():
            if len(values) != width:
                sentences.append(f"{self.shown}:{line} has {len(values):,} values")
        if broken is not None:
            broken.extend(sentences)
            return
        number = max(len(sentences), count)
        message = (
            f"{number:,} line{'s' if number > 1 else ''} of {self.shown} "
            f"{'have' if number > 1 else 'has'} another number of values than the {width:,} columns"
        )
        raise BrokenLinesError(message, sentences)

    def _unreadable(self, error: Exception) -> DataError:
        if isinstance(error, UnicodeDecodeError) or "UTF8" in str(error):
            return encoding_error(self.path, self.shown, self.encoding)
        reason = str(error).splitlines()[0]
        return DataError(f"{self.shown} cannot be read: {reason}", "write it as CSV again")


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
    content, complete, quoted, zeros = _looked_at(path, shown)
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
    return Delimited(
        path,
        shown,
        encoding,
        separator,
        format.decimal,
        columns,
        line + 1,
        reader.line_num,
        quoted,
        zeros or not ascii_based,
    )


def _looked_at(path: Path, shown: str) -> tuple[bytes, bool, bool, bool]:
    """The first bytes, whether they are all, and whether there are quotation marks and codes."""
    try:
        with open_regular(path) as file:
            sample = file.read(_SAMPLE)
            file.seek(0)
            quoted = zeros = False
            rest, size = b"", 0
            while block := file.read(_BLOCK):
                size += len(block)
                quoted = quoted or b'"' in block
                zeros = zeros or _has_codes(rest + block)
                if quoted and zeros:
                    break
                rest = block[-3:]
            complete = path.stat().st_size <= len(sample)
    except OSError as error:
        message = f"{shown} cannot be read: {error.strerror or error}"
        raise DataError(message, "write the path of a CSV or Parquet file") from None
    return sample, complete, quoted, zeros


def _has_codes(block: bytes) -> bool:
    """Whether a value may begin with a zero and another digit; sometimes true where none does."""
    values = np.frombuffer(block, np.uint8)
    zero = values[1:-1] == ord("0")
    zero &= (values[2:] - np.uint8(ord("0"))) < 10
    if not zero.any():
        return False
    before = values[:-2][zero]
    # After one of these, the zero is inside of a number or a time: 100, 0.05, 2e+05, 2026-01-05.
    return not np.isin(before, np.frombuffer(b"0123456789.:+-", np.uint8)).all()


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
