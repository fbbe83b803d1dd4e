"""A data set as a table of named columns in splits, with the facts that are known of it."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.mapped import Stored
from netspec.data.preparation import Preparation
from netspec.language.data import Passed, Portion
from netspec.text.diagnostics import DataError

WEIGHTS = "w"
"""The column of what each example counts for in the loss."""

PARTS = ("train", "validation", "test")
"""The splits that are loaded; a source may lack all but `train`."""


@dataclass(frozen=True)
class Column:
    """One input, one label or the weight of every example, as it is stored.

    `values` (n, …) are in memory or in their file. `value_range` is the smallest and the largest
    value that the kind of data has, such as black and white, where the source knows them.
    """

    name: str
    values: Stored
    value_range: tuple[float, float] | None = None

    def __len__(self) -> int:
        return len(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of one example."""
        return self.values.shape[1:]

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type of the values as they are stored."""
        return self.values.dtype

    def take(self, indices: NDArray[np.int64]) -> NDArray[Any]:
        """The values (indices, …) of some examples, in memory."""
        return np.asarray(self.values[indices])


@dataclass(frozen=True)
class Table:
    """The columns of the split train, maybe test and validation, and the names of the classes.

    Inputs are in the column `x`, labels in `y`, weights in `w`. Columns of several inputs or
    outputs are in columns such as `x_left`, with the name of the input or output. Labels are
    numbers, or texts: the names of classes.
    """

    splits: Mapping[str, tuple[Column, ...]]
    class_names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    """What is odd about the data, a sentence for each fact."""
    preparation: Preparation | None = None
    """How the inputs were made of the columns of the user's table."""
    notes: tuple[str, ...] = ()
    """What was decided for the user, a sentence for each fact."""
    draws_test: bool = False
    """Whether the test part was among the training examples of the source."""
    copies: tuple[str, ...] = ()
    """Sentences about examples that are in two parts, where the source compares them."""

    @classmethod
    def from_arrays(
        cls, arrays: Mapping[str, Stored], value_range: tuple[float, float] | None = None
    ) -> Table:
        """The table of arrays that have the names of `array_name`.

        `value_range` is of every input.
        """
        splits: dict[str, tuple[Column, ...]] = {}
        for name, values in arrays.items():
            kind, split, *rest = name.split("_", 2)
            column = "_".join([kind, *rest])
            known = value_range if kind == "x" else None
            splits[split] = (*splits.get(split, ()), Column(column, values, known))
        return cls(splits)

    def arrays(self) -> Iterator[tuple[str, Column]]:
        """Every column with the name of its array, in the order of the source."""
        for split, columns in self.splits.items():
            for column in columns:
                yield array_name(column.name, split), column

    def column(self, name: str, split: str) -> Column | None:
        """A column of a split, None where there is none."""
        return next((column for column in self.splits.get(split, ()) if column.name == name), None)

    def required(self, name: str, split: str) -> Column:
        """A column of a split. Raises DataError where there is none."""
        if column := self.column(name, split):
            return column
        names = [column.name for column in self.splits.get(split, ())]
        there = f"it has {', '.join(names)}" if names else "it has no columns"
        message = f"the {split} data have no column {name}; {there}"
        raise DataError(message, "change the names of the inputs and outputs, or the data")


@dataclass(frozen=True)
class Request:
    """The columns that a network reads of every split, by name.

    A source that always has the same columns can ignore it.
    """

    inputs: tuple[str, ...]
    labels: tuple[str, ...]
    needs_labels: bool
    """False for an autoencoder, whose data may have labels and need none."""
    input_shapes: tuple[tuple[int, ...], ...] = ()
    """The shape of one example of every input, without the batch axis."""
    label_kinds: tuple[str, ...] = ()
    """What the loss of every output takes, such as `classes` or `values`."""
    kept: Portion | None = None
    """Which training examples are for validation: nothing is learned from them."""
    preparation: Preparation | None = None
    """What a run learned before; without it, a source learns it from the training data."""
    class_names: tuple[str, ...] | None = None
    """The classes of the run."""
    passed: Passed | None = None
    """What a Python program passes, which is read instead of files."""

    @property
    def required(self) -> tuple[str, ...]:
        """The columns that the training part must have."""
        return (*self.inputs, *(self.labels if self.needs_labels else ()))


def array_name(column: str, split: str) -> str:
    """The name of a column's array in an archive and in a record: `x_train_left` of `x_left`."""
    kind, _, rest = column.partition("_")
    return "_".join(filter(None, (kind, split, rest)))


def composed(name: str) -> str:
    """A name in Unicode's composed form, in which names are compared."""
    return unicodedata.normalize("NFC", name)
