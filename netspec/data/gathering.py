"""The values of columns, of which a part of the rows comes at a time, as whole arrays."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.preparation import Values


def gather(batches: Iterable[Mapping[str, Values]]) -> dict[str, Values]:
    """The columns of all batches, by name. Each takes the memory of its values, and little more."""
    columns: dict[str, _Column] = {}
    for batch in batches:
        for name, values in batch.items():
            if name not in columns:
                columns[name] = _Column(values)
            columns[name].append(values)
    return {name: column.values() for name, column in columns.items()}


class _Column:
    """A column that grows. An array that is larger than its values takes no memory for the rest."""

    def __init__(self, first: Values) -> None:
        self._texts: dict[str, int] | None = {} if isinstance(first, Coded) else None
        self._count = 0
        dtype = np.int32 if isinstance(first, Coded) else np.float64
        self._array: NDArray[Any] = np.empty(2 * len(first), dtype)

    def append(self, values: Values) -> None:
        end = self._count + len(values)
        if end > len(self._array):
            longer = np.empty(2 * end, self._array.dtype)
            longer[: self._count] = self._array[: self._count]
            self._array = longer
        self._array[self._count : end] = self._codes(values)
        self._count = end

    def _codes(self, values: Values) -> NDArray[Any]:
        if not isinstance(values, Coded):
            return values
        assert self._texts is not None
        texts = self._texts
        codes = [texts.setdefault(text, len(texts)) for text in values.texts]
        return values.mapped(np.array(codes, np.int32))

    def values(self) -> Values:
        array = self._array[: self._count]
        return array if self._texts is None else Coded(tuple(self._texts), array)
