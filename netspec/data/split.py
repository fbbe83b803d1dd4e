"""Which of the training examples are kept for validation."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.data.examples import Examples
from netspec.data.targets import classes_of
from netspec.language.spec import Validation
from netspec.numerics.seeds import generator
from netspec.text.diagnostics import DataError


def split(train: Examples, kept: Validation | None) -> tuple[Examples, Examples | None]:
    """The examples for training and those for validation, each part in the order of the data.

    Without `shuffle` the last ones are for validation, as in Keras's validation_split. Raises
    DataError where a part would have no examples.
    """
    if kept is None:
        return train, None
    count = len(train)
    if kept.stratify:
        classes = classes_of(train.targets[0])
        groups = [np.flatnonzero(classes == class_) for class_ in np.unique(classes)]
        # An only example of a class is for training.
        sizes = [min(round(len(group) * kept.fraction), len(group) - 1) for group in groups]
    else:
        groups = [np.arange(count)]
        sizes = [count - int(count * (1 - kept.fraction))]
    if sum(sizes) in (0, count):
        message = f"{kept.fraction} of {count:,} images for validation leaves a part without any"
        raise DataError(message, "choose a fraction that leaves images on both sides")
    if not kept.stratify and not kept.shuffle:
        return train[: count - sizes[0]], train[count - sizes[0] :]
    chosen = np.zeros(count, bool)
    for group, size in zip(groups, sizes, strict=True):
        chosen[_drawn(group, size, kept)] = True
    return train.chosen(np.flatnonzero(~chosen)), train.chosen(np.flatnonzero(chosen))


def _drawn(group: NDArray[np.int64], size: int, kept: Validation) -> NDArray[np.int64]:
    """`size` of the examples in a group: random ones, or the last."""
    if kept.shuffle:
        group = generator(kept.seed, f"validation/{group[0]}").permutation(group)
    return group[len(group) - size :]
