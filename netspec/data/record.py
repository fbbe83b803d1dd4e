"""What a run records of its data: the type, range and content of every array."""

from __future__ import annotations

import hashlib
from math import prod
from typing import Annotated

import numpy as np
from pydantic import Field, ValidationError

from netspec.data.preparation import Preparation
from netspec.data.table import Column, Table
from netspec.language.layers import written
from netspec.language.layers.tagged import Model
from netspec.text.diagnostics import one_of

PART_BYTES = 1 << 20
"""The maximum of an array that is read at once, unless one example is more."""

HASH_BYTES = 16


class ArrayRecord(Model):
    """An array (count, …): the type and shape of an example, the range, a hash of all values.

    `minimum` and `maximum` are None where there is no value, or one is not finite.
    """

    dtype: str
    count: Annotated[int, Field(ge=0)]
    shape: tuple[int, ...]
    minimum: float | None
    maximum: float | None
    hash: str
    value_range: tuple[float, float] | None = None
    """The values of black and white, or of another kind of data, where the source knows them."""

    @property
    def content(self) -> ArrayRecord:
        """What is measured: an older netspec recorded only this."""
        return self.model_copy(update={"value_range": None})


class DataRecord(Model):
    """The arrays of a data set, by name, and the names of the classes that the data contain.

    `preparation` is how the inputs were made of the columns of a table. `passed` is whether a
    Python program passed the data, so that no file contains them.
    """

    dataset: str
    arrays: dict[str, ArrayRecord]
    class_names: tuple[str, ...] | None = None
    preparation: Preparation | None = None
    passed: bool = False


def parse_record(text: str) -> DataRecord | None:
    """The record in a text of JSON, None where it is none."""
    try:
        return DataRecord.model_validate_json(text)
    except ValidationError:
        return None


def describe(dataset: str, table: Table, *, passed: bool = False) -> DataRecord:
    """The fingerprint of a table. Each array is read once, and a part of it at a time.

    The hash is of the values in native byte order and C order, so that it does not depend on how a
    file stores them.
    """
    arrays = {name: _array_record(column) for name, column in table.arrays()}
    return DataRecord(
        dataset=dataset,
        arrays=arrays,
        class_names=table.class_names,
        preparation=table.preparation,
        passed=passed,
    )


def _array_record(column: Column) -> ArrayRecord:
    array = column.values
    content = hashlib.blake2b(digest_size=HASH_BYTES)
    lowest, highest = np.inf, -np.inf
    size = max(1, PART_BYTES // max(1, array.dtype.itemsize * prod(array.shape[1:])))
    for start in range(0, len(array), size):
        part = np.ascontiguousarray(array[start : start + size])
        content.update(part.data)
        if part.size:
            # Of values that are not numbers, the minimum is none either.
            lowest = np.minimum(lowest, np.float64(part.min()))
            highest = np.maximum(highest, np.float64(part.max()))
    return ArrayRecord(
        dtype=array.dtype.name,
        count=len(array),
        shape=array.shape[1:],
        minimum=float(lowest) if np.isfinite(lowest) else None,
        maximum=float(highest) if np.isfinite(highest) else None,
        hash=content.hexdigest(),
        value_range=column.value_range,
    )


def differences(before: DataRecord, now: DataRecord) -> list[str]:
    """How data differ from those that were recorded, a phrase for each array."""
    names = list(dict.fromkeys([*before.arrays, *now.arrays]))
    pairs = [(name, before.arrays.get(name), now.arrays.get(name)) for name in names]
    phrases = [
        f"{name} {_difference(old, new)}"
        for name, old, new in pairs
        if (old and old.content) != (new and new.content)
    ]
    if before.class_names != now.class_names:
        phrases.append(f"the classes were {_named(before)}, and are {_named(now)}")
    return phrases


def _named(record: DataRecord) -> str:
    return one_of(record.class_names or ("without names",), "and")


def remarks(subject: str, before: DataRecord | None, now: DataRecord) -> tuple[str, ...]:
    """What a user has to know of the data that are used now, a sentence for each fact.

    `subject` is the run or the file that was made with the data `before`; None is unknown.
    """
    if before is None:
        return (f"{subject} does not record its data: nobody knows whether they are the same",)
    if changes := differences(before, now):
        return (f"the data differ from the training data of {subject}: {'; '.join(changes)}",)
    return ()


def _difference(old: ArrayRecord | None, new: ArrayRecord | None) -> str:
    if old is None:
        return "was not there"
    if new is None:
        return "is missing"
    if old.count != new.count:
        return f"had {old.count:,} examples, and has {new.count:,}"
    if (old.dtype, old.shape) != (new.dtype, new.shape):
        before, now = (f"{array.dtype} of {written(array.shape)}" for array in (old, new))
        return f"was {before}, and is {now}"
    return "has other values"
