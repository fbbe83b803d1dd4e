"""The data set `table`: files of rows become inputs, labels and parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.frames import Frame, FrameFile, open_frame, read_frame, reading_of
from netspec.data.oddities import FileColumns, oddities, unknown_categories
from netspec.data.passed.frames import passed_frames
from netspec.data.preparation import (
    Preparation,
    Values,
    learned_column,
)
from netspec.data.rows import (
    Rows,
    check_finite,
    check_width,
    labels_of,
    learned_from,
    parts_of,
    takes_numbers,
)
from netspec.data.sources.table import TableFiles
from netspec.data.table import PARTS, Column, Request, Table
from netspec.text.diagnostics import DataError


@dataclass(frozen=True)
class TableRows:
    """The columns of the files by their parts, and the kinds of those that become inputs."""

    frames: Mapping[str | None, Frame]
    kinds: Mapping[str, str]

    @property
    def to_train(self) -> Frame:
        """The file with the training part."""
        return self.frames[None] if None in self.frames else self.frames["train"]


def open_table(source: TableFiles, folder: Path, request: Request) -> Table:
    """The rows of a spec's files as a table of the columns x and y. Raises DataError.

    `folder` is the folder that the paths are relative to.
    """
    return table_of(source, read_rows(source, folder, request), request)


def table_of(source: TableFiles, table: TableRows, request: Request) -> Table:
    """The table of files that are read; see `open_table`. Raises DataError."""
    frames, kinds = table.frames, table.kinds
    labels, names = labels_of(source, request, frames)
    parts = parts_of(source, frames, labels)
    rows = parts.rows
    values = {part: {name: frame.values[name] for name in kinds} for part, frame in frames.items()}
    for part, frame in frames.items():
        check_finite(values[part], frame)
    preparation = request.preparation or _preparation(rows, values, kinds, request)
    splits: dict[str, tuple[Column, ...]] = {}
    remarks = [f"{line}; it is left out" for frame in frames.values() for line in frame.broken]
    if request.preparation is None:
        remarks += _remarks(source, frames, values, labels)
    check_width(preparation, request, remarks)
    for part in filter(rows.__contains__, PARTS):
        some, of_file = rows[part], values[rows[part].file]
        inputs = preparation.apply(of_file, some.indices)
        columns = {**inputs, **({} if some.labels is None else {"y": some.labels})}
        splits[part] = tuple(Column(name, array) for name, array in columns.items())
        if part != "train":
            remarks += unknown_categories(part, of_file, some.indices, preparation)
    return Table(splits, names, tuple(remarks), preparation, parts.notes, parts.draws_test)


def _preparation(
    rows: Mapping[str, Rows],
    values: Mapping[str | None, Mapping[str, Values]],
    kinds: Mapping[str, str],
    request: Request,
) -> Preparation:
    """What the training part teaches, without the rows that are kept for validation."""
    train = rows["train"]
    known = learned_from(train, request, drawn="validation" not in rows)
    of_train, indices = values[train.file], train.indices[known]
    columns = (learned_column(name, kind, of_train[name][indices]) for name, kind in kinds.items())
    return Preparation(inputs={"x": tuple(columns)})


def _remarks(
    source: TableFiles,
    frames: Mapping[str | None, Frame],
    values: Mapping[str | None, Mapping[str, Values]],
    labels: Mapping[str | None, NDArray[np.generic]],
) -> list[str]:
    """What is odd about the columns of the file with the training part."""
    part = None if None in frames else "train"
    inferred = frozenset(values[part]) - frozenset(source.types)
    file = FileColumns(values[part], inferred, frames[part].file.place)
    return [*oddities(file, labels.get(part))]


def read_rows(
    source: TableFiles, folder: Path, request: Request, known: Frame | None = None
) -> TableRows:
    """The columns of every file. Raises DataError.

    `known` has columns of the only file, which are not read again where they have their kind.
    """
    files: Mapping[str | None, FrameFile] = _files(source, folder, request)
    if known is not None:
        files = {None: replace(known.file, reading=reading_of(source))}
    features = _features(source, files.get(None) or files["train"], request)
    columns = [*features, *filter(None, (source.target, source.part))]
    kinds = _declared_kinds(source, request)
    frames: dict[str | None, Frame] = {}
    # The kinds of columns are those in the file to train with, which is the first.
    for part, file in files.items():
        skips = source.on_error == "skip"
        frames[part] = read_frame(file, columns, kinds, skips_broken=skips, known=known)
        kinds = {**frames[part].kinds, **kinds}
    return TableRows(frames, {name: kinds[name] for name in features})


def _files(source: TableFiles, folder: Path, request: Request) -> Mapping[str | None, FrameFile]:
    """The files of a spec, or the frames that a program passes, by their part."""
    if request.passed:
        divided = source.part is not None
        return passed_frames(source, request.passed, source.target, divided=divided)
    reading = reading_of(source)
    paths = {_PARTS_OF_FIELDS[field]: path for field, path in source.paths.items()}
    return {part: open_frame(folder / path, path, reading) for part, path in paths.items()}


_PARTS_OF_FIELDS = {"path": None, "train": "train", "val": "validation", "test": "test"}


def _features(source: TableFiles, file: FrameFile, request: Request) -> list[str]:
    """The columns that become inputs, in their order."""
    if request.preparation:
        return [column.name for column in request.preparation.columns]
    if source.target is not None:
        file.check_columns([source.target])
    file.check_columns([*(source.features or ()), *source.exclude, *source.types])
    if source.features is not None:
        return list(source.features)
    others = (source.target, source.part, *source.exclude)
    features = [name for name in file.names if name not in others]
    if not features:
        raise DataError(
            f"{file.shown} has no columns but the target", "add columns to predict from"
        )
    return features


def _declared_kinds(source: TableFiles, request: Request) -> dict[str, str]:
    """The kinds of columns that are known before the files are read."""
    kinds = source.declared_kinds
    if request.preparation:
        kinds |= {column.name: column.kind for column in request.preparation.columns}
    if source.target is not None:
        kinds.pop(source.target, None)
        if not takes_numbers(request):
            kinds[source.target] = "category"
    return kinds | ({source.part: "category"} if source.part is not None else {})
