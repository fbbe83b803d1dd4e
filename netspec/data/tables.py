"""The data set `table`: files of rows become inputs, labels and parts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.folders import PARTS as NAMES_OF_PARTS
from netspec.data.folders import listed
from netspec.data.frames import Frame, FrameFile, open_frame, read_frame, reading_of
from netspec.data.oddities import FileColumns, oddities, unknown_categories
from netspec.data.preparation import (
    CategoryColumn,
    NumberColumn,
    Preparation,
    PreparedColumn,
    TimeColumn,
    Values,
)
from netspec.data.sources.table import TableFiles
from netspec.data.split import DEFAULT_FRACTION, draw, kept_examples
from netspec.data.table import PARTS, Column, Request, Table
from netspec.language.data import Portion
from netspec.language.layers import Shape
from netspec.text.diagnostics import DataError

_SHOWN = 5  # places in a message
_NUMERIC = ("values", "distribution")  # what a loss takes that is no class

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class _Rows:
    """The rows of a part: a file's rows with these indices, with their labels (n,)."""

    file: str | None
    indices: Indices
    labels: NDArray[np.generic] | None


def open_table(source: TableFiles, folder: Path, request: Request) -> Table:
    """The rows of a spec's files as a table of the columns x and y. Raises DataError.

    `folder` is the folder that the paths are relative to.
    """
    frames, kinds = read_frames(source, folder, request)
    labels, names = _labels(source, request, frames)
    rows = _parts(source, frames, labels)
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
    return Table(splits, names, tuple(remarks), preparation)


def _preparation(
    rows: Mapping[str, _Rows],
    values: Mapping[str | None, Mapping[str, Values]],
    kinds: Mapping[str, str],
    request: Request,
) -> Preparation:
    """What the training part teaches, without the rows that are kept for validation."""
    train = rows["train"]
    learned_from = _learned_from(train, request, drawn="validation" not in rows)
    of_train, indices = values[train.file], train.indices[learned_from]
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


def check_finite(values: Mapping[str, Values], frame: Frame) -> None:
    """Raise DataError where a number is infinite."""
    for name, some in values.items():
        if not isinstance(some, Coded) and np.isinf(some).any():
            row = int(np.flatnonzero(np.isinf(some))[0])
            message = f"{frame.file.place(row)}: {name} is infinite"
            raise DataError(message, "correct it, or leave it empty: a missing number is the mean")


def read_frames(
    source: TableFiles, folder: Path, request: Request
) -> tuple[dict[str | None, Frame], dict[str, str]]:
    """The columns of every file, by its part, and the kinds of those that become inputs."""
    reading = reading_of(source)
    paths = {_PARTS_OF_FIELDS[field]: path for field, path in source.paths.items()}
    files = {part: open_frame(folder / path, path, reading) for part, path in paths.items()}
    features = _features(source, files.get(None) or files["train"], request)
    columns = [*features, *filter(None, (source.target, source.part))]
    kinds = _declared_kinds(source, request)
    frames: dict[str | None, Frame] = {}
    # The kinds of columns are those in the file to train with, which is the first.
    for part, file in files.items():
        skips = source.on_error == "skip"
        frames[part] = read_frame(file, columns, kinds, skips_broken=skips)
        if not len(frames[part]):
            raise DataError(f"{file.shown} has no rows", "write rows after the header")
        kinds = {**frames[part].kinds, **kinds}
    return frames, {name: kinds[name] for name in features}


def _learned_from(train: _Rows, request: Request, *, drawn: bool) -> NDArray[np.bool_]:
    """The training rows from which something is learned: without the validation rows."""
    count = len(train.indices)
    if not request.kept or not drawn:
        return np.ones(count, bool)
    targets = np.zeros(count) if train.labels is None else train.labels
    return ~kept_examples(count, targets, request.kept)


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
        (kind,) = request.label_kinds
        kinds.pop(source.target, None)
        if kind not in _NUMERIC:
            kinds[source.target] = "category"
    return kinds | ({source.part: "category"} if source.part is not None else {})


def _labels(
    source: TableFiles, request: Request, frames: Mapping[str | None, Frame]
) -> tuple[dict[str | None, NDArray[np.generic]], tuple[str, ...] | None]:
    """The labels (n,) of every file, and the names of the classes where they are classes."""
    target = source.target
    if target is None:
        return {}, None
    values: dict[str | None, Values] = {}
    for part, frame in frames.items():
        is_class = request.label_kinds[0] not in _NUMERIC
        if not is_class and frame.kinds[target] != "number":
            message = f"{target} is a {frame.kinds[target]} in {frame.file.shown}, and the loss "
            help = "for classes use sparse_categorical_crossentropy; or name another target"
            raise DataError(message + "takes numbers", help)
        values[part] = frame.values[target]
        _check_labels(values[part], target, frame)
    texts = {part: some for part, some in values.items() if isinstance(some, Coded)}
    if not texts:
        return {part: np.asarray(some, np.float32) for part, some in values.items()}, None
    present = {text for some in texts.values() for text in some.present()}
    names = request.class_names or _ordered(present, source)
    if unknown := sorted(present - set(names)):
        message = f"{target} has the class {unknown[0]!r}, and the run has {listed(names)}"
        raise DataError(message, "test on rows of the same classes")
    places = {name: place for place, name in enumerate(names)}
    (kind,) = request.label_kinds
    labels: dict[str | None, NDArray[np.generic]] = {}
    for part, some in texts.items():
        codes = some.mapped(np.array([places.get(text, 0) for text in some.texts], np.int32))
        labels[part] = np.eye(len(names), dtype=np.float32)[codes] if kind == "one_hot" else codes
    return labels, names


def _check_labels(values: Values, target: str, frame: Frame) -> None:
    """Raise DataError where a row has no label."""
    if isinstance(values, Coded):
        missing = values.mapped(np.array([not text.strip() for text in values.texts], bool))
    else:
        missing = ~np.isfinite(values)
    rows = np.flatnonzero(missing)
    if rows.size:
        places = [frame.file.place(int(row)) for row in rows[:_SHOWN]]
        more = [f"and {len(rows) - _SHOWN:,} more"] if len(rows) > _SHOWN else []
        of = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        message = f"{of} of {frame.file.shown} {'have' if len(rows) > 1 else 'has'} no {target}"
        raise DataError(message, "write the target into every row, or remove them", places + more)


def _ordered(present: set[str], source: TableFiles) -> tuple[str, ...]:
    """The classes in the order of their labels: numbers by size, texts by their characters."""
    if source.class_names is not None:
        if sorted(source.class_names) != sorted(present):
            message = f"class_names has {listed(source.class_names)}, and {source.target} has "
            message += listed(sorted(present))
            raise DataError(message, "class_names may only change the order of the classes")
        return source.class_names
    if all(re.fullmatch(r"[+-]?\d{1,15}(\.\d{1,15})?", text) for text in present):
        return tuple(sorted(present, key=lambda text: (float(text), text)))
    return tuple(sorted(present))


def _parts(
    source: TableFiles,
    frames: Mapping[str | None, Frame],
    labels: Mapping[str | None, NDArray[np.generic]],
) -> dict[str, _Rows]:
    """The rows of every part. A test part that is not there is drawn from the training part."""
    parts: dict[str, _Rows] = {}
    for part, frame in frames.items():
        for name, indices in _named_parts(source, frame, part).items():
            of_part = labels[part][indices] if part in labels else None
            parts[name] = _Rows(part, indices, of_part)
    if "train" not in parts:
        raise DataError(
            f"no row has {source.part} train", "write train into the rows to train with"
        )
    portion = source.test if isinstance(source.test, Portion) else None
    if "test" in parts:
        if portion is not None:
            message = "the table has a test part, and data draws another one"
            raise DataError(message, "remove `test` from data, or the test part from the table")
        return parts
    train = parts["train"]
    classes = None if train.labels is None else _classes(train.labels)
    if portion is not None and portion.stratify and classes is None:
        message = "stratify is for classes, and the target is a number"
        raise DataError(message, "remove `stratify` from `test`")
    chosen = draw(
        len(train.indices),
        classes,
        portion or Portion(fraction=DEFAULT_FRACTION, stratify=True),
        "test",
    )
    parts["train"], parts["test"] = (
        _Rows(train.file, train.indices[part], None if train.labels is None else train.labels[part])
        for part in (~chosen, chosen)
    )
    return parts


def _classes(labels: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """The class (n,) of every label, None where labels are numbers."""
    if labels.ndim == 2:
        return labels.argmax(-1)
    return labels.astype(np.int64) if labels.dtype.kind == "i" else None


def _named_parts(source: TableFiles, frame: Frame, part: str | None) -> dict[str, Indices]:
    """The indices of the rows of a file by their part."""
    everything = np.arange(len(frame))
    if source.part is None:
        return {part or "train": everything}
    column = frame.values[source.part]
    assert isinstance(column, Coded)
    parts = [NAMES_OF_PARTS.get(text.strip().lower()) for text in column.texts]
    wrong = column.mapped(np.array([name is None for name in parts], bool))
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        text = column.texts[int(column.codes[row])]
        message = f"{frame.file.place(row)} has the {source.part} {text!r}"
        raise DataError(message, "write train, val or test into every row")
    chosen = {name: column.mapped(np.array([part == name for part in parts])) for name in PARTS}
    return {name: everything[rows] for name, rows in chosen.items() if rows.any()}


def learned_column(name: str, kind: str, values: Values) -> PreparedColumn:
    """How a column becomes inputs, learned from its values (n,) of this kind."""
    if isinstance(values, Coded):
        return CategoryColumn.learned(name, values)
    return (TimeColumn if kind == "time" else NumberColumn).learned(name, values)


def check_width(
    preparation: Preparation, request: Request, remarks: Sequence[str], before: Shape = ()
) -> None:
    """Raise DataError where the input has another size than the features.

    `before` are the axes of the input before the features. Without a network there is no input, and
    the features decide about its size.
    """
    if not request.input_shapes:
        return
    (columns,) = preparation.inputs.values()
    (shape,) = request.input_shapes
    width = sum(column.width for column in columns)
    if shape == (*before, width):
        return
    wide = sorted(
        (column for column in columns if column.width > 1), key=lambda column: -column.width
    )
    numbers = len(columns) - len(wide)
    counted = [f"{numbers:,} number{'s' if numbers > 1 else ''}"] if numbers else []
    counted += [f"{column.width:,} for {column.name}" for column in wide]
    details = [f"they are {listed(counted)}"]
    kinds = {column.kind for column in columns}
    if "category" in kinds:
        details.append("a category counts one for each of its values, and one for unknown ones")
    if "time" in kinds:
        details.append("a time counts 5: how late it is, and where in the year and in the week")
        details[-1] += "; with times of day 7"
    message = f"the features become {width:,} numbers, and the input takes {shape[-1]:,}"
    raise DataError(
        message, f"write `input: {[*before, width]}`", [*details, *remarks] if wide else ()
    )
