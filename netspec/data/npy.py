"""The .npy format, of a file or of a member of an .npz file. Nothing is unpickled."""

from __future__ import annotations

import math
import tokenize
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from netspec.data.mapped import File, Mapped, Stored, state
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular

LIMIT = 16 << 30  # bytes of an array that comes into memory

# What numpy.lib.format raises where the bytes are not what it expects.
DAMAGE = (EOFError, SyntaxError, TypeError, ValueError, tokenize.TokenError)

_HEADER_LIMIT = 1024  # bytes; NumPy's own 10,000 let in headers that exhaust Python's parser
_HELP = "write it with numpy.save(path, array)"


@dataclass(frozen=True)
class Header:
    """The shape, the order and the type of the values that a .npy header declares."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype

    @property
    def nbytes(self) -> int:
        """The bytes of the values."""
        return math.prod(self.shape) * self.dtype.itemsize

    def checked(self, name: str, help: str, *, texts: bool, stays: bool) -> Header:
        """The header itself. Raises DataError where no array of examples has it.

        `texts` allows texts as values. An array that `stays` in its file may be of any size.
        """
        shape, dtype = self.shape, self.dtype
        if dtype.hasobject:
            raise DataError(f"{name} holds Python objects, which are never unpickled", help)
        if dtype.kind not in ("biufUS" if texts else "biuf"):
            raise DataError(f"{name} holds values of type {dtype}, which are no numbers", help)
        if min(shape, default=0) < 0:
            raise DataError(f"{name} declares a negative size, {shape}", help)
        if not stays and self.nbytes > LIMIT:
            message = f"{name} declares {dtype} of shape {shape}, past the limit of"
            raise DataError(f"{message} {LIMIT >> 30} GiB", help)
        return self

    def mapped(self, file: File, start: int) -> Mapped:
        """The array whose values begin at a place of a file.

        Raises ValueError where no array has the shape.
        """
        np.broadcast_to(np.zeros((), self.dtype), self.shape)
        return Mapped(file, start, self.dtype, self.shape, self.dtype.newbyteorder("="))


def read_npy(path: Path, *, texts: bool = False) -> Stored:
    """The array of a .npy file in native byte order; `texts` allows texts as values.

    It stays in the file; an array in Fortran's order comes into memory. Raises DataError where the
    file cannot be read, is damaged, or holds other values than declared.
    """
    try:
        with open_regular(path) as file:
            header = read_header(file, str(path), _HELP)
            header.checked(str(path), _HELP, texts=texts, stays=not header.fortran)
            there = state(file)[0] - file.tell()
            if there != header.nbytes:
                message = f"{path} declares {header.nbytes} bytes of values, and {there} are there"
                raise DataError(message, _HELP)
            if not header.fortran:
                return header.mapped(File(path, state(file)), file.tell())
            file.seek(0)
            return read_values(file)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", _HELP) from error
    except DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{path} is not a sound .npy file ({reason})", _HELP) from error


def read_header(stream: IO[bytes], name: str, help: str) -> Header:
    """The header of an array, which is `name` in errors; the stream is then at its values."""
    match np.lib.format.read_magic(stream):
        case (1, 0):
            return Header(*np.lib.format.read_array_header_1_0(stream, _HEADER_LIMIT))
        case (2, 0):
            return Header(*np.lib.format.read_array_header_2_0(stream, _HEADER_LIMIT))
        case major, minor:  # 3.0 is written only for fields with names, which are no numbers
            version = f"{major}.{minor}"
            raise DataError(f"{name} is of .npy version {version}, not 1.0 or 2.0", help)


def read_values(stream: IO[bytes]) -> np.ndarray:
    """The array of a stream at its header, in native byte order and C order."""
    array = np.lib.format.read_array(stream, allow_pickle=False)
    return np.asarray(array, array.dtype.newbyteorder("="), order="C")
