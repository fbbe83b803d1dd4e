"""Arrays that are written into an .npz or .npy file, a part of the examples at a time."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from netspec.text.diagnostics import DataError
from netspec.text.files import stream_atomically


def save_npz(
    path: Path, parts: Iterable[Mapping[str, NDArray[Any]]], texts: Mapping[str, list[str]]
) -> dict[str, tuple[int, ...]]:
    """Write the arrays (n, …) of all parts under their names, and the `texts` (n,) with them.

    Every part has the same names. `texts` may be filled by the parts. The memory does not depend
    on the number of parts. Returns the shape of every array. Raises NetspecError.
    """
    shapes: dict[str, tuple[int, ...]] = {}

    def write(file: BinaryIO) -> None:
        with ExitStack() as stack, zipfile.ZipFile(file, "w") as archive:
            for name, body in _bodies(parts, path, stack).items():
                shapes[name] = body.shape
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    body.write(member)
            for name, some in texts.items():
                with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
                    np.lib.format.write_array(member, np.array(some), allow_pickle=False)

    stream_atomically(path, write)
    return shapes


def save_npy(path: Path, parts: Iterable[Mapping[str, NDArray[Any]]]) -> dict[str, tuple[int, ...]]:
    """Write the array (n, …) of all parts, which have one name; see `save_npz`."""
    shapes: dict[str, tuple[int, ...]] = {}

    def write(file: BinaryIO) -> None:
        with ExitStack() as stack:
            ((name, body),) = _bodies(parts, path, stack).items()
            shapes[name] = body.shape
            body.write(file)

    stream_atomically(path, write)
    return shapes


@dataclass
class _Body:
    """The values of an array, in a file without a name until their number is known."""

    file: IO[bytes]
    example: tuple[int, ...]
    dtype: np.dtype[Any]
    count: int = 0

    def add(self, values: NDArray[Any]) -> None:
        self.file.write(np.ascontiguousarray(values).data)
        self.count += len(values)

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.count, *self.example)

    def write(self, to: IO[bytes]) -> None:
        """Write the array in the .npy format."""
        header = {
            "descr": np.lib.format.dtype_to_descr(self.dtype),
            "fortran_order": False,
            "shape": self.shape,
        }
        np.lib.format.write_array_header_1_0(to, header)
        self.file.seek(0)
        shutil.copyfileobj(self.file, to, 1 << 20)


def _bodies(
    parts: Iterable[Mapping[str, NDArray[Any]]], path: Path, stack: ExitStack
) -> dict[str, _Body]:
    """The values of every array, in files next to the path. Raises DataError without any."""
    bodies: dict[str, _Body] = {}
    for part in parts:
        for name, values in part.items():
            if name not in bodies:
                file = stack.enter_context(TemporaryFile(dir=path.parent))  # noqa: SIM115 - the stack closes it
                bodies[name] = _Body(file, values.shape[1:], values.dtype)
            bodies[name].add(values)
    if not bodies:
        message = f"no example was predicted, and {path} is not written"
        raise DataError(message, "name files with examples that can be read")
    return bodies
