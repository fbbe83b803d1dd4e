"""A CSV file that names image files, their classes, and maybe the parts that they are in."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from netspec.data.folders import PARTS, ExampleFile, Listing, classified, composed
from netspec.text.diagnostics import DataError, nearest, one_of
from netspec.text.files import read_regular

if TYPE_CHECKING:
    from netspec.data.sources.images import LabelColumns

SEPARATORS = (",", ";", "\t")
"""What separates the values of a line; the first line decides which."""


@dataclass(frozen=True)
class CsvTable:
    """A CSV file: its path, the path that messages show, and the names of its columns."""

    path: Path
    shown: str
    columns: LabelColumns


@dataclass(frozen=True)
class _Row:
    line: int
    file: str
    label: str
    part: str


def read_listing(table: CsvTable, root: Path, shown: str, *, labelled: bool) -> Listing:
    """The image files that a CSV file names, in the folder `root` with the name `shown`.

    Labels are texts as they are in the file: 001 is another class than 1. Raises DataError.
    """
    rows = list(_rows(table, labelled=labelled))
    if not rows:
        raise DataError(f"{table.shown} has no rows", "write a line for every image file")
    lines: dict[str, int] = {}
    by_part: dict[str | None, dict[str, list[ExampleFile]]] = {}
    for row in rows:
        if row.file in lines:
            message = f"{table.shown} has {row.file} in the lines {lines[row.file]} and {row.line}"
            raise DataError(message, "a file is in one line, with one label")
        lines[row.file] = row.line
        part = _part(row, table) if row.part else None
        label = composed(row.label) if labelled else None
        name = f"{shown}/{composed(row.file)}"
        file = ExampleFile(_existing(root, row.file), name, label, part)
        by_part.setdefault(part, {}).setdefault(label or "", []).append(file)
    if None in by_part and len(by_part) > 1:
        empty = next(row for row in rows if not row.part)
        message = f"{table.shown}:{empty.line}: there is no {table.columns.part}"
        raise DataError(message, "write train, val or test into every line, or into none")
    if not labelled:
        files = (file for classes in by_part.values() for file in classes[""])
        return Listing(tuple(files), None)
    named = {part: table.shown if part is None else f"{table.shown}, {part}," for part in by_part}
    if None not in by_part and "train" not in by_part:
        message = f"{table.shown} has the parts {one_of(sorted(filter(None, by_part)), 'and')}"
        raise DataError(f"{message}, and no train", "write train into the lines to train with")
    return classified(by_part, named)


def _rows(table: CsvTable, *, labelled: bool) -> Iterator[_Row]:
    text = _text(table)
    separator = max(SEPARATORS, key=text.partition("\n")[0].count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    columns = table.columns
    try:
        header = [name.strip() for name in next(reader, list[str]())]
        required = [columns.file, columns.label] if labelled else [columns.file]
        for name in required:
            if name not in header:
                raise _missing_column(name, header, table)
        for values in reader:
            if not any(value.strip() for value in values):
                continue
            row = dict(zip(header, (value.strip() for value in values), strict=False))
            if missing := [name for name in required if not row.get(name)]:
                message = f"{table.shown}:{reader.line_num}: there is no {missing[0]}"
                raise DataError(message, f"write {one_of(required, 'and')} into every line")
            file, label = row[columns.file], row.get(columns.label, "")
            yield _Row(reader.line_num, file, label, row.get(columns.part, ""))
    except csv.Error as error:
        message = f"{table.shown}:{reader.line_num}: this is not a line of CSV: {error}"
        raise DataError(message, "write it with Python's csv.writer or a spreadsheet") from None


def _text(table: CsvTable) -> str:
    try:
        return read_regular(table.path).decode("utf-8-sig")
    except OSError as error:
        message = f"{table.shown} cannot be read: {error.strerror or error}"
        raise DataError(message, "write the path of a CSV file as `labels`") from None
    except UnicodeDecodeError as error:
        message = f"{table.shown} is not text in UTF-8 (byte {error.start:,})"
        raise DataError(message, "save it as CSV in UTF-8") from None


def _missing_column(name: str, header: list[str], table: CsvTable) -> DataError:
    if not any(header):
        help = f"begin it with the line {table.columns.file},{table.columns.label}"
        return DataError(f"{table.shown} has no line with the names of columns", help)
    columns = table.columns.model_dump()
    field = next(field for field, column in columns.items() if column == name)
    meant = nearest(name, header) or header[0]
    message = f"{table.shown} has no column {name}; it has {one_of(header, 'and')}"
    return DataError(message, f"name the column in data, as `columns: {{{field}: {meant}}}`")


def _part(row: _Row, table: CsvTable) -> str:
    part = PARTS.get(row.part.lower())
    if part is None:
        message = f"{table.shown}:{row.line}: there is no part {row.part!r}"
        raise DataError(message, "write train, val or test")
    return part


def _existing(root: Path, name: str) -> Path:
    """The path of a file, whose name may be in another form of Unicode than in the table."""
    forms = [name, *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))]
    return next((root / form for form in forms if (root / form).exists()), root / name)
