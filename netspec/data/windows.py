"""Windows over rows: an array whose examples overlap, and which takes the memory of the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray


@dataclass(frozen=True)
class Windows:
    """An array (n, length, …) that behaves as one of NumPy's where it is read.

    An example is `length` of the `rows` (m, …), which begin at one of the `starts` (n,). A slice of
    examples is again windows over the same rows. Indices, and numpy.asarray, return an array in
    memory. `example_shape` is (length, …), or another shape with as many values.
    """

    rows: NDArray[Any]
    starts: NDArray[np.int64]
    length: int
    example_shape: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def shape(self) -> tuple[int, ...]:
        return (len(self), *self.example_shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.rows.dtype

    def reshape(self, count: int, *shape: int) -> Windows:
        """The same examples, each of another shape; `count` is -1 or their number."""
        assert count in (-1, len(self))
        assert prod(shape) == prod(self.example_shape)
        return replace(self, example_shape=shape)

    def astype(self, dtype: type[np.generic], *, copy: bool = False) -> Windows:
        """The same examples as another type; the arguments are NumPy's."""
        return replace(self, rows=self.rows.astype(dtype, copy=copy))

    def __getitem__(self, part: slice | NDArray[np.int64]) -> Any:  # Any: windows, or an array
        if isinstance(part, slice):
            return replace(self, starts=self.starts[part])
        flat = self.rows.reshape(len(self.rows), -1)
        # All values of a window follow one another in memory.
        windows = sliding_window_view(flat, (self.length, flat.shape[1]))[:, 0]
        return windows[self.starts[part]].reshape(-1, *self.example_shape)

    def __array__(
        self,
        dtype: np.dtype[Any] | None = None,
        copy: bool | None = None,  # noqa: FBT001 - as NumPy calls it
    ) -> NDArray[Any]:
        return np.asarray(self[np.arange(len(self))], dtype)


def windows(rows: NDArray[Any], starts: NDArray[np.int64], length: int) -> Windows:
    """The windows of this length over rows (m, …) that begin at `starts` (n,)."""
    return Windows(rows, starts, length, (length, *rows.shape[1:]))
