"""Which of the training examples are kept for validation, or for a test."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.data.examples import Examples
from netspec.data.mapped import Stored
from netspec.data.targets import classes_of
from netspec.language.data import Portion
from netspec.numerics.seeds import generator
from netspec.text.diagnostics import DataError


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


def draw(
    count: int, classes: NDArray[np.int64] | None, portion: Portion, part: str
) -> NDArray[np.bool_]:
    """Which of the training examples (count,) become the part with this name.

    `classes` (count,) are needed to stratify. Raises DataError where a part would have no examples.
    """
    if classes is not None and portion.stratify:
        groups = [np.flatnonzero(classes == class_) for class_ in np.unique(classes)]
        # An only example of a class is for training.
        sizes = [min(round(len(group) * portion.fraction), len(group) - 1) for group in groups]
    else:
        groups = [np.arange(count)]
        sizes = [count - int(count * (1 - portion.fraction))]
    if sum(sizes) in (0, count):
        message = f"{portion.fraction} of {count:,} examples for {part} leaves a part without any"
        raise DataError(message, "choose a fraction that leaves examples on both sides")
    chosen = np.zeros(count, bool)
    for group, size in zip(groups, sizes, strict=True):
        chosen[_drawn(group, size, portion, part)] = True
    return chosen


def _drawn(group: NDArray[np.int64], size: int, portion: Portion, part: str) -> NDArray[np.int64]:
    """`size` of the examples in a group: random ones, or the last."""
    if portion.shuffle:
        group = generator(portion.seed, f"{part}/{group[0]}").permutation(group)
    return group[len(group) - size :]
