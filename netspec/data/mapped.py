"""Arrays that stay in their files: memory-mapped, and read on demand."""

from __future__ import annotations

import mmap
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.data.windows import Windows
from netspec.text.diagnostics import DataError

Shape: TypeAlias = tuple[int, ...]
Part: TypeAlias = slice | NDArray[np.int64]
"""Which examples: a slice, or indices."""

PAGES = 8 << 20
"""How many bytes of a map are read before its pages are released."""

# Linux maps this much of a file around each place that is touched
# (fault_around_bytes of mm/memory.c).
_AROUND = 64 << 10


@dataclass(frozen=True)
class File:
    """A file as it was when its header was read."""

    path: Path
    state: tuple[int, int, int]

    @contextmanager
    def opened(self) -> Generator[BinaryIO]:
        """The file, for as long as it is what it was. Raises DataError where it is not."""
        try:
            with self.path.open("rb") as file:
                self._check(file)
                yield file
                self._check(file)
        except OSError as error:
            message = f"{self.path} cannot be read: {error.strerror or error}"
            raise DataError(message, "examples are read from it as they are needed") from error

    def _check(self, file: BinaryIO) -> None:
        if state(file) != self.state:
            help = "do not change it before the end, and begin again"
            raise DataError(f"{self.path} was changed while it was in use", help)


def state(file: BinaryIO) -> tuple[int, int, int]:
    """The size, time and number of an open file, which change when it is replaced or written to."""
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ino


@dataclass(frozen=True)
class Mapped:
    """An array (n, …) in a file, in C order, that behaves as one of NumPy's where it is read.

    A slice of examples is again in the file. Indices, and numpy.asarray, return an array in memory
    of the type `dtype`. No page of the file stays in memory after a read.
    """

    file: File
    offset: int  # bytes before the first example
    stored: np.dtype[Any]
    shape: Shape
    dtype: np.dtype[Any]

    def __len__(self) -> int:
        return self.shape[0]

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def reshape(self, count: int, *shape: int) -> Mapped:
        """The same examples, each of another shape; `count` is -1 or their number."""
        assert count in (-1, len(self))
        return replace(self, shape=(len(self), *shape))

    def astype(self, dtype: type[np.generic], *, copy: bool = False) -> Mapped:  # noqa: ARG002
        """The same examples, to be read as another type; the arguments are NumPy's."""
        return replace(self, dtype=np.dtype(dtype))

    def __getitem__(self, part: Part) -> Any:  # Any: a Mapped of a slice, an array of indices
        if isinstance(part, slice):
            start, stop, _ = part.indices(len(self))
            size = self.stored.itemsize * prod(self.shape[1:])
            shape = (max(stop - start, 0), *self.shape[1:])
            return replace(self, offset=self.offset + start * size, shape=shape)
        # In the order of the file, for neighbours share a page.
        order = np.argsort(part, kind="stable")
        return self._read(part[order], order)

    def __array__(
        self,
        dtype: np.dtype[Any] | None = None,
        copy: bool | None = None,  # noqa: FBT001 - as NumPy calls it
    ) -> NDArray[Any]:
        every = np.arange(len(self))
        return np.asarray(self._read(every, every), dtype)

    def _read(self, chosen: NDArray[np.int64], to: NDArray[np.int64]) -> NDArray[Any]:
        """The chosen examples, in rising order, each put to its place."""
        values = np.empty((len(chosen), *self.shape[1:]), self.dtype)
        if not values.size:
            return values
        at_once = max(1, PAGES // max(_AROUND, values[0].nbytes))
        with self.file.opened() as file, _pages(file) as pages:
            rows = np.ndarray(self.shape, self.stored, pages, self.offset)
            for start in range(0, len(chosen), at_once):
                block = slice(start, start + at_once)
                values[to[block]] = rows[chosen[block]]
                if hasattr(pages, "madvise"):
                    pages.madvise(mmap.MADV_DONTNEED)
            del rows  # which holds the map open
        return values


@contextmanager
def _pages(file: BinaryIO) -> Generator[mmap.mmap]:
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as pages:
        yield pages


@dataclass(frozen=True)
class Selected:
    """Some examples of another array, by rising indices; it is read as the array itself is."""

    array: Mapped | Selected | Windows
    indices: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.indices)

    @property
    def ndim(self) -> int:
        return self.array.ndim

    @property
    def shape(self) -> Shape:
        return (len(self), *self.array.shape[1:])

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.array.dtype

    def reshape(self, count: int, *shape: int) -> Selected:
        """The same examples, each of another shape; `count` is -1 or their number."""
        assert count in (-1, len(self))
        return replace(self, array=self.array.reshape(-1, *shape))

    def astype(self, dtype: type[np.generic], *, copy: bool = False) -> Selected:
        """The same examples, to be read as another type; the arguments are NumPy's."""
        return replace(self, array=self.array.astype(dtype, copy=copy))

    def __getitem__(self, part: Part) -> Any:  # Any: a Selected of a slice, an array of indices
        if isinstance(part, slice):
            return replace(self, indices=self.indices[part])
        return self.array[self.indices[part]]

    def __array__(
        self,
        dtype: np.dtype[Any] | None = None,
        copy: bool | None = None,  # noqa: FBT001 - as NumPy calls it
    ) -> NDArray[Any]:
        return np.asarray(self.array[self.indices], dtype)


Stored: TypeAlias = NDArray[Any] | Mapped | Selected | Windows
"""An array of examples, in memory or in its file."""
