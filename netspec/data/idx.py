"""IDX files, raw or gzipped: the format of MNIST, http://yann.lecun.com/exdb/mnist."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np

from netspec.data.mapped import File, Mapped, Stored, state
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular

Stream: TypeAlias = io.BufferedIOBase | BinaryIO

GZIP_MAGIC = b"\x1f\x8b"

# The third byte of a file names the type of its values, which are stored big-endian.
_DTYPES = {
    0x08: np.dtype(">u1"),
    0x09: np.dtype(">i1"),
    0x0B: np.dtype(">i2"),
    0x0C: np.dtype(">i4"),
    0x0D: np.dtype(">f4"),
    0x0E: np.dtype(">f8"),
}
_CHUNK = 1 << 20  # bytes
_HELP = "the file is damaged or of another format; fetch it again"


def read_idx(path: Path) -> Stored:
    """The array of an IDX file in native byte order, with the shape that its header declares.

    It stays in the file; the array of a gzipped file comes into memory. Raises DataError where the
    file cannot be read, is no IDX file, or holds fewer or more bytes than its header declares.
    """
    try:
        with open_regular(path) as file:
            zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
            file.seek(0)
            if not zipped:
                return _mapped(file, path)
            with gzip.open(file) as stream:
                return parse_idx(stream, str(path))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is a damaged gzip file ({error})", _HELP) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def parse_idx(stream: io.BufferedIOBase, name: str) -> np.ndarray:
    """The array of an IDX stream that is read to its end; `name` is its name in errors.

    No more memory is taken than the stream has bytes or its header declares, whichever is less.
    Raises DataError where the stream is not exactly one IDX array.
    """
    dtype, shape = _read_header(stream, name)
    declared = math.prod(shape) * dtype.itemsize
    values = read_at_most(stream, declared + 1)
    _check_size(len(values), declared, name)
    _check_shape(shape, dtype, name)
    array = np.frombuffer(values, dtype).reshape(shape)
    return array.astype(dtype.newbyteorder("="), copy=False)


def _mapped(file: BinaryIO, path: Path) -> Mapped:
    dtype, shape = _read_header(file, str(path))
    source = File(path, state(file))
    _check_size(source.state[0] - file.tell(), math.prod(shape) * dtype.itemsize, str(path))
    _check_shape(shape, dtype, str(path))
    return Mapped(source, file.tell(), dtype, shape, dtype.newbyteorder("="))


def _check_size(there: int, declared: int, name: str) -> None:
    if there != declared:
        actual = f"only {there} are there" if there < declared else "more are there"
        raise DataError(f"{name} declares {declared} bytes of values, and {actual}", _HELP)


def _check_shape(shape: tuple[int, ...], dtype: np.dtype, name: str) -> None:
    try:
        np.broadcast_to(np.zeros((), dtype), shape)
    except ValueError as error:  # too many axes, or sizes beside a 0 whose product overflows
        raise DataError(f"{name} declares a shape that no array has ({error})", _HELP) from error


def read_at_most(stream: io.BufferedIOBase, limit: int) -> bytearray:
    """The next bytes of the stream, up to `limit` of them.

    Taken in chunks, because read(limit) would set aside `limit` bytes before it sees one.
    """
    content = bytearray()
    while chunk := stream.read(min(_CHUNK, limit - len(content))):
        content += chunk
    return content


def _read_header(stream: Stream, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    magic = _read_exactly(stream, 4, name)
    zero, code, axes = struct.unpack(">HBB", magic)
    if zero != 0 or code not in _DTYPES or axes == 0:
        raise DataError(f"{name} is not an IDX file: it begins with {magic.hex(' ')}", _HELP)
    return _DTYPES[code], struct.unpack(f">{axes}I", _read_exactly(stream, 4 * axes, name))


def _read_exactly(stream: Stream, size: int, name: str) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise DataError(f"{name} ends inside the header of an IDX file", _HELP)
    return content
