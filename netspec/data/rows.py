"""What the sources of rows share: labels and parts, and the checks of values and widths."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.folders import PARTS as NAMES_OF_PARTS
from netspec.data.preparation import Preparation, Values
from netspec.data.split import check_no_test, draw_test, kept_examples
from netspec.data.table import PARTS, Request
from netspec.language.data import FilePath, Portion
from netspec.language.layers import Shape
from netspec.text.diagnostics import DataError, listed

_SHOWN = 5  # places in a message
_NUMERIC = ("values", "distribution")  # what a loss takes that is no class

Indices = NDArray[np.int64]


class RowFields(Protocol):
    """The fields of a source of rows about their labels and parts."""

    @property
    def target(self) -> str | None: ...
    @property
    def part(self) -> str | None: ...
    @property
    def test(self) -> FilePath | Portion | None: ...
    @property
    def class_names(self) -> tuple[str, ...] | None: ...


class Origin(Protocol):
    """The file or folder that rows come from, and the place of each row, for messages."""

    @property
    def shown(self) -> str: ...
    def place(self, row: int) -> str: ...


class RowColumns(Protocol):
    """The columns of rows that are read."""

    @property
    def file(self) -> Origin: ...
    @property
    def kinds(self) -> Mapping[str, str]: ...
    @property
    def broken(self) -> tuple[str, ...]: ...
    @property
    def values(self) -> Mapping[str, Values]: ...
    def __len__(self) -> int: ...


@dataclass(frozen=True)
class Rows:
    """The rows of a part: a file's rows with these indices, with their labels (n,)."""

    file: str | None
    indices: Indices
    labels: NDArray[np.generic] | None


def takes_numbers(request: Request) -> bool:
    """Whether the loss takes numbers, and no classes."""
    return request.label_kinds[0] in _NUMERIC


def labels_of(
    source: RowFields, request: Request, frames: Mapping[str | None, RowColumns]
) -> tuple[dict[str | None, NDArray[np.generic]], tuple[str, ...] | None]:
    """The labels (n,) of every file, and the names of the classes where they are classes."""
    target = source.target
    if target is None:
        return {}, None
    values: dict[str | None, Values] = {}
    for part, frame in frames.items():
        if takes_numbers(request) and frame.kinds[target] != "number":
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


def _check_labels(values: Values, target: str, frame: RowColumns) -> None:
    """Raise DataError where a row has no label."""
    if isinstance(values, Coded):
        missing = values.where(lambda text: not text.strip())
    else:
        missing = ~np.isfinite(values)
    rows = np.flatnonzero(missing)
    if rows.size:
        places = [frame.file.place(int(row)) for row in rows[:_SHOWN]]
        more = [f"and {len(rows) - _SHOWN:,} more"] if len(rows) > _SHOWN else []
        of = f"{len(rows):,} row{'s' if len(rows) > 1 else ''}"
        message = f"{of} of {frame.file.shown} {'have' if len(rows) > 1 else 'has'} no {target}"
        raise DataError(message, "write the target into every row, or remove them", places + more)


def _ordered(present: set[str], source: RowFields) -> tuple[str, ...]:
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


@dataclass(frozen=True)
class Parts:
    """The rows of every part by its name, and whether the test part is drawn.

    `notes` are sentences for the user about how it was drawn.
    """

    rows: Mapping[str, Rows]
    notes: tuple[str, ...] = ()
    draws_test: bool = False


def parts_of(
    source: RowFields,
    frames: Mapping[str | None, RowColumns],
    labels: Mapping[str | None, NDArray[np.generic]],
) -> Parts:
    """The rows of every part. A test part that is not there is drawn from the training part."""
    rows: dict[str, Rows] = {}
    for part, frame in frames.items():
        for name, indices in _named_parts(source, frame, part).items():
            of_part = labels[part][indices] if part in labels else None
            rows[name] = Rows(part, indices, of_part)
    if "train" not in rows:
        raise DataError(
            f"no row has {source.part} train", "write train into the rows to train with"
        )
    portion = source.test if isinstance(source.test, Portion) else None
    if "test" in rows:
        check_no_test(portion)
        return Parts(rows)
    train = rows["train"]
    classes = None if train.labels is None else _classes(train.labels)
    if portion is not None and portion.stratify and classes is None:
        message = "stratify is for classes, and the target is a number"
        raise DataError(message, "remove `stratify` from `test`")
    chosen, notes = draw_test(len(train.indices), classes, portion)
    rows["train"], rows["test"] = (
        Rows(train.file, train.indices[part], None if train.labels is None else train.labels[part])
        for part in (~chosen, chosen)
    )
    return Parts(rows, notes, draws_test=True)


def _classes(labels: NDArray[np.generic]) -> NDArray[np.int64] | None:
    """The class (n,) of every label, None where labels are numbers."""
    if labels.ndim == 2:
        return labels.argmax(-1)
    return labels.astype(np.int64) if labels.dtype.kind == "i" else None


def _named_parts(source: RowFields, frame: RowColumns, part: str | None) -> dict[str, Indices]:
    """The indices of the rows of a file by their part."""
    everything = np.arange(len(frame))
    if source.part is None:
        return {part or "train": everything}
    column = frame.values[source.part]
    assert isinstance(column, Coded)
    parts = np.array([NAMES_OF_PARTS.get(text.strip().lower(), "") for text in column.texts])
    wrong = column.mapped(parts == "")
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        message = f"{frame.file.place(row)} has the {source.part} {column.text(row)!r}"
        raise DataError(message, "write train, val or test into every row")
    chosen = {name: column.mapped(parts == name) for name in PARTS}
    return {name: everything[rows] for name, rows in chosen.items() if rows.any()}


def learned_from(train: Rows, request: Request, *, drawn: bool) -> NDArray[np.bool_]:
    """The training rows from which something is learned: without the validation rows."""
    count = len(train.indices)
    if not request.kept or not drawn:
        return np.ones(count, bool)
    targets = np.zeros(count) if train.labels is None else train.labels
    return ~kept_examples(count, targets, request.kept)


def check_finite(values: Mapping[str, Values], rows: RowColumns) -> None:
    """Raise DataError where a number is infinite."""
    for name, some in values.items():
        if not isinstance(some, Coded) and np.isinf(some).any():
            row = int(np.flatnonzero(np.isinf(some))[0])
            message = f"{rows.file.place(row)}: {name} is infinite"
            raise DataError(message, "correct it, or leave it empty: a missing number is the mean")


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
