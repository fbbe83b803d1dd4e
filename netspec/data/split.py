"""Which of the training examples are kept for validation, or for a test."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.data.examples import Examples, parts, selected
from netspec.data.mapped import Stored
from netspec.data.table import Column, Table, array_name
from netspec.data.targets import classes_of
from netspec.language.data import DataFields, PartFields, Portion
from netspec.numerics.seeds import generator
from netspec.text.diagnostics import DataError

DEFAULT_FRACTION = 0.2
"""The test part of data that have none, where the spec does not describe it."""


def split(train: Examples, kept: Portion | None) -> tuple[Examples, Examples | None]:
    """The examples for training and those for validation, each part in the order of the data.

    Without `shuffle` the last ones are for validation, as in Keras's validation_split. Raises
    DataError where a part would have no examples.
    """
    if kept is None:
        return train, None
    chosen = kept_examples(len(train), train.targets[0], kept)
    if not kept.stratify and not kept.shuffle:
        count = int(np.count_nonzero(~chosen))
        return train[:count], train[count:]
    return train.chosen(np.flatnonzero(~chosen)), train.chosen(np.flatnonzero(chosen))


def kept_examples(count: int, targets: Stored, kept: Portion) -> NDArray[np.bool_]:
    """Which of the training examples (count,) are for validation."""
    classes = classes_of(targets) if kept.stratify else None
    return draw(count, classes, kept, "validation")


def with_test(table: Table, data: DataFields, objective: Objective | None) -> Table:
    """A table with a test part, which is drawn from the training part where there is none.

    `objective` is of the only output with labels, None where there are several or none. A part that
    the spec does not describe is in the notes. Raises DataError.
    """
    portion = data.test if isinstance(data, PartFields) else None
    if "test" in table.splits:
        check_no_test(portion)
        return table
    chosen, notes = draw_test(_count(table), _classes(table, objective), portion)
    parts = {"train": np.flatnonzero(~chosen), "test": np.flatnonzero(chosen)}
    splits = {name: _selected(table.splits["train"], indices) for name, indices in parts.items()}
    drawn = dict(table.splits) | splits
    return replace(table, splits=drawn, notes=(*table.notes, *notes), draws_test=True)


def _selected(columns: Sequence[Column], indices: NDArray[np.int64]) -> tuple[Column, ...]:
    return tuple(replace(column, values=selected(column.values, indices)) for column in columns)


def _count(table: Table) -> int:
    """The number of training examples. Raises DataError where columns differ in it."""
    first, *others = table.splits.get("train") or (table.required("x", "train"),)
    for column in others:
        if len(column) != len(first):
            name = array_name(column.name, "train")
            message = f"there are {len(first):,} train examples, and {name} has {len(column):,}"
            raise DataError(message, "every example needs an element in every array")
    return len(first)


def _classes(table: Table, objective: Objective | None) -> NDArray[np.int64] | None:
    """A number (n,) for the class of every training example, None where it has no single class."""
    column = table.column("y", "train")
    if column is None or objective is None or not objective.has_one_class:
        return None
    if column.shape not in ((), (1,), objective.target_shape):
        return None  # an error, which the targets explain
    labels = np.concatenate([_labels(part) for part in parts(column.values)] or [np.empty(0)])
    return np.unique(labels, return_inverse=True)[1]


def _labels(targets: NDArray[np.generic]) -> NDArray[np.generic]:
    """The label (n,) of every example, of labels (n,) or (n, 1), or of a value for every class."""
    if targets.ndim == 1:
        return targets
    return targets[:, 0] if targets.shape[-1] == 1 else targets.argmax(-1)


def check_no_test(portion: Portion | None) -> None:
    """Raise DataError where the spec draws a test part from data that have one."""
    if portion is not None:
        message = "the data have a test part, and `test` in data draws another one"
        raise DataError(message, "remove `test` from data, or the test part from the data")


def draw_test(
    count: int, classes: NDArray[np.int64] | None, portion: Portion | None
) -> tuple[NDArray[np.bool_], tuple[str, ...]]:
    """Which of the training examples (count,) are the test part, by default a fifth of every class.

    Without a `portion` of the spec, a sentence for the user describes the part. `classes` (count,)
    are None where an example has no single class. Raises DataError.
    """
    default = Portion(fraction=DEFAULT_FRACTION, stratify=classes is not None)
    chosen = draw(count, classes, portion or default, "test")
    if portion is not None:
        return chosen, ()
    of_class = "" if classes is None else " of every class"
    size = f"{np.count_nonzero(chosen):,} of the {count:,} training examples"
    return chosen, (note_of_test(f"a fifth{of_class}, {size}"),)


def note_of_test(chosen: str) -> str:
    """The sentence about a test part that the spec does not describe, and the data do not have."""
    return (
        f"the data have no test part: {chosen}, is the test part; `test` in data draws another one"
    )


def draw(
    count: int, classes: NDArray[np.int64] | None, portion: Portion, part: str
) -> NDArray[np.bool_]:
    """Which of the training examples (count,) become the part with this name.

    `classes` (count,) are needed to stratify. Raises DataError where a part would have no examples.
    """
    if count < 2:
        examples = f"{count} training example{'s' * (count != 1)}"
        raise DataError(f"the data have {examples}, too few for a {part} part", "add examples")
    if classes is not None and portion.stratify:
        groups = [np.flatnonzero(classes == class_) for class_ in np.unique(classes)]
        # An only example of a class is for training.
        sizes = [min(round(len(group) * portion.fraction), len(group) - 1) for group in groups]
    else:
        groups = [np.arange(count)]
        sizes = [count - int(count * (1 - portion.fraction))]
    if sum(sizes) in (0, count):
        message = f"{portion.fraction} of {count:,} examples for {part} leaves a part without any"
        help = "choose a fraction that leaves examples on both sides"
        if part == "test":
            help = "choose another fraction, as `test: {fraction: 0.5}` in data, or add a test part"
        raise DataError(message, help)
    chosen = np.zeros(count, bool)
    for group, size in zip(groups, sizes, strict=True):
        chosen[_drawn(group, size, portion, part)] = True
    return chosen


def _drawn(group: NDArray[np.int64], size: int, portion: Portion, part: str) -> NDArray[np.int64]:
    """`size` of the examples in a group: random ones, or the last."""
    if portion.shuffle:
        group = generator(portion.seed, f"{part}/{group[0]}").permutation(group)
    return group[len(group) - size :]
