"""The data set `text`: the texts of a table, or of files in folders, become rows of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.folders import TEXTS, ExampleFile, list_files
from netspec.data.frames import FrameFile, open_frame, read_frame, reading_of
from netspec.data.passed.frames import passed_frames
from netspec.data.preparation import Preparation, Values
from netspec.data.rows import (
    RowColumns,
    Rows,
    labels_of,
    learned_from,
    parts_of,
    takes_numbers,
)
from netspec.data.sources.text import TextFiles
from netspec.data.table import PARTS, Column, Request, Table
from netspec.data.tokens import TextColumn, unknown_part
from netspec.text.diagnostics import DataError
from netspec.text.files import read_regular

_PART = "\0part"
"""The column with the parts of a folder; no column of a file has this name."""


def open_texts(source: TextFiles, folder: Path, request: Request) -> Table:
    """The texts of a spec as a table of the columns x, token indices, and y. Raises DataError.

    `folder` is the folder that the paths are relative to.
    """
    contents, source = _contents(source, folder, request)
    labels, names = labels_of(source, request, contents)
    parts = parts_of(source, contents, labels)
    rows = parts.rows
    texts = {part: _texts(rows[part], contents, source.column) for part in rows}
    if request.preparation:
        (column,) = request.preparation.columns
        assert isinstance(column, TextColumn)
    else:
        train = rows["train"]
        known = learned_from(train, request, drawn="validation" not in rows)
        ((length,),) = request.input_shapes
        column = TextColumn.learned(
            source.column,
            texts["train"][known],
            source.split,
            length,
            source.max_tokens,
        )
    splits: dict[str, tuple[Column, ...]] = {}
    broken = (sentence for content in contents.values() for sentence in content.broken)
    remarks = [f"{sentence}; it is left out" for sentence in broken]
    for part in filter(rows.__contains__, PARTS):
        indices = column.apply(texts[part])
        remarks += _remarks(indices, part, column)
        targets = rows[part].labels
        assert targets is not None
        splits[part] = (Column("x", indices), Column("y", targets))
    preparation = Preparation(inputs={"x": (column,)})
    return Table(splits, names, tuple(remarks), preparation, parts.notes, parts.draws_test)


def _contents(
    source: TextFiles, folder: Path, request: Request
) -> tuple[dict[str | None, RowColumns], TextFiles]:
    """The columns of a file, a folder or frames by their part, and the fields that fit them."""
    if request.passed:
        divided = source.part is not None
        frames = passed_frames(source, request.passed, source.target, divided=divided)
        return {part: _of_table(source, file, request) for part, file in frames.items()}, source
    assert source.path is not None
    path = folder / source.path
    if path.is_dir():
        content, source = _of_folder(source, path, source.path)
        return {None: content}, source
    file = open_frame(path, source.path, reading_of(source))
    return {None: _of_table(source, file, request)}, source


def _texts(rows: Rows, contents: Mapping[str | None, RowColumns], column: str) -> NDArray[Any]:
    """The texts (n,) of the rows of a part."""
    texts = contents[rows.file].values[column]
    assert isinstance(texts, Coded)
    return np.asarray(texts[rows.indices])


def _remarks(indices: Any, part: str, column: TextColumn) -> Iterator[str]:
    """What a user has to know of the tokens (n, length) of a part."""
    count = len(indices)
    if empty := int((indices[:, 0] == 0).sum()):
        yield f"{empty:,} of the {count:,} {part} texts have no tokens"
    full = int((indices[:, -1] != 0).sum()) if column.length > 1 else 0
    if full > count / 10:
        yield (
            f"{full / count:.0%} of the {part} texts have {column.length:,} tokens or more, and "
            f"only the first {column.length:,} are read: a larger `input` reads more"
        )
    unknown = unknown_part(indices)
    if part != "train" and unknown > 1 / 10:
        yield f"{unknown:.0%} of the tokens of the {part} texts are not in the vocabulary"


def _of_table(source: TextFiles, file: FrameFile, request: Request) -> RowColumns:
    """The columns of a file of rows."""
    texts = [source.column, *filter(None, [source.part])]
    labels = [] if takes_numbers(request) else [source.target]
    kinds = dict.fromkeys([*texts, *labels], "category")
    columns = [*texts, source.target]
    return read_frame(file, columns, kinds, skips_broken=source.on_error == "skip")


@dataclass(frozen=True)
class _Folder:
    """A folder of texts, and the name of the file of every row."""

    shown: str
    names: tuple[str, ...]

    def place(self, row: int) -> str:
        return self.names[row]


@dataclass(frozen=True)
class _Files:
    """The texts of files, with their classes and parts, as columns."""

    file: _Folder
    values: Mapping[str, Values]
    broken: tuple[str, ...] = ()

    @property
    def kinds(self) -> dict[str, str]:
        return dict.fromkeys(self.values, "category")

    def __len__(self) -> int:
        return len(self.file.names)


def _of_folder(source: TextFiles, path: Path, shown: str) -> tuple[_Files, TextFiles]:
    """The texts of a folder, and the fields with the names of its columns."""
    listing = list_files(path, shown, labelled=True, kind=TEXTS)
    texts: list[str] = []
    files: list[ExampleFile] = []
    broken: list[str] = []
    for file in listing.files:
        try:
            texts.append(_content(file.path, source.encoding or "utf-8-sig"))
            files.append(file)
        except (OSError, ValueError) as error:
            broken.append(f"{file.name} {_reason(error)}")
    if broken and (source.on_error == "stop" or not texts):
        count = f"{len(broken):,} of the {len(listing.files):,}"
        help = "write its `encoding` into data; or `on_error: skip` leaves them out"
        raise DataError(f"{count} texts in {shown} cannot be read", help, broken)
    has_parts = any(file.part for file in files)
    columns: dict[str, Values] = {
        source.column: Coded.of(texts),
        source.target: Coded.of([file.label or "" for file in files]),
    }
    if has_parts:
        columns[_PART] = Coded.of([file.part or "" for file in files])
    folder = _Folder(shown, tuple(file.name for file in files))
    fields = source.model_copy(update={"part": _PART if has_parts else None})
    return _Files(folder, columns, (*listing.remarks, *broken)), fields


def _content(path: Path, encoding: str) -> str:
    return read_regular(path).decode(encoding)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not text in {error.encoding} (byte {error.start:,})"
    return str(getattr(error, "strerror", None) or error)
