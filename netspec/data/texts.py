"""The data set `text`: the texts of a table, or of files in folders, become rows of tokens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from netspec.data.coded import Coded
from netspec.data.folders import TEXTS, ExampleFile, list_files
from netspec.data.frames import open_frame, read_frame, reading_of
from netspec.data.preparation import Preparation, Values
from netspec.data.rows import RowColumns, labels_of, learned_from, parts_of, takes_numbers
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
    path = folder / source.path
    if path.is_dir():
        content, source = _of_folder(source, path)
    else:
        content = _of_table(source, path, request)
    labels, names = labels_of(source, request, {None: content})
    parts = parts_of(source, {None: content}, labels)
    rows = parts.rows
    texts = content.values[source.column]
    assert isinstance(texts, Coded)
    if request.preparation:
        (column,) = request.preparation.columns
        assert isinstance(column, TextColumn)
    else:
        train = rows["train"]
        known = learned_from(train, request, drawn="validation" not in rows)
        ((length,),) = request.input_shapes
        column = TextColumn.learned(
            source.column,
            np.asarray(texts[train.indices[known]]),
            source.split,
            length,
            source.max_tokens,
        )
    splits: dict[str, tuple[Column, ...]] = {}
    remarks = [f"{sentence}; it is left out" for sentence in content.broken]
    for part in filter(rows.__contains__, PARTS):
        indices = column.apply(np.asarray(texts[rows[part].indices]))
        remarks += _remarks(indices, part, column)
        targets = rows[part].labels
        assert targets is not None
        splits[part] = (Column("x", indices), Column("y", targets))
    preparation = Preparation(inputs={"x": (column,)})
    return Table(splits, names, tuple(remarks), preparation, parts.notes, parts.draws_test)


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


def _of_table(source: TextFiles, path: Path, request: Request) -> RowColumns:
    """The columns of a file of rows."""
    file = open_frame(path, source.path, reading_of(source))
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


def _of_folder(source: TextFiles, path: Path) -> tuple[_Files, TextFiles]:
    """The texts of a folder, and the fields with the names of its columns."""
    listing = list_files(path, source.path, labelled=True, kind=TEXTS)
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
        raise DataError(f"{count} texts in {source.path} cannot be read", help, broken)
    has_parts = any(file.part for file in files)
    columns: dict[str, Values] = {
        source.column: Coded.of(texts),
        source.target: Coded.of([file.label or "" for file in files]),
    }
    if has_parts:
        columns[_PART] = Coded.of([file.part or "" for file in files])
    folder = _Folder(source.path, tuple(file.name for file in files))
    fields = source.model_copy(update={"part": _PART if has_parts else None})
    return _Files(folder, columns, (*listing.remarks, *broken)), fields


def _content(path: Path, encoding: str) -> str:
    return read_regular(path).decode(encoding)


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"is not text in {error.encoding} (byte {error.start:,})"
    return str(getattr(error, "strerror", None) or error)
