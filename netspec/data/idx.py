"""IDX files, raw or gzipped: the format of MNIST, http://yann.lecun.com/exdb/mnist."""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np

from netspec.diagnostics import DataError
from netspec.files import open_regular

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


def read_idx(path: Path) -> np.ndarray:
    """The array of an IDX file in native byte order, with the shape that its header declares.

    Raises DataError where the file cannot be read, is no IDX file, or holds fewer or more bytes
    than its header declares.
    """
    try:
        with _opened(path) as stream:
            return parse_idx(stream, str(path))
    except (gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise DataError(f"{path} is a damaged gzip file ({error})", _HELP) from error
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def parse_idx(stream: io.BufferedIOBase, name: str) -> np.ndarray:
    """The array of an IDX stream that is read to its end; `name` stands for it in errors.

    No more memory is taken than the stream has bytes or its header declares, whichever is less.
    Raises DataError where the stream is not exactly one IDX array.
    """
    dtype, shape = _read_header(stream, name)
    declared = math.prod(shape) * dtype.itemsize
    values = read_at_most(stream, declared + 1)
    if len(values) != declared:
        found = f"only {len(values)} are there" if len(values) < declared else "more are there"
        raise DataError(f"{name} declares {declared} bytes of values, and {found}", _HELP)
    try:
        array = np.frombuffer(values, dtype).reshape(shape)
    except ValueError as error:  # too many axes, or sizes beside a 0 whose product overflows
        raise DataError(f"{name} declares a shape that no array has ({error})", _HELP) from error
    return array.astype(dtype.newbyteorder("="), copy=False)


def read_at_most(stream: io.BufferedIOBase, limit: int) -> bytearray:
    """The next bytes of the stream, up to `limit` of them.

    Taken in chunks, because read(limit) would set aside `limit` bytes before it sees one.
    """
    content = bytearray()
    while chunk := stream.read(min(_CHUNK, limit - len(content))):
        content += chunk
    return content


def _opened(path: Path) -> io.BufferedIOBase:
    with open_regular(path) as file:
        zipped = file.read(len(GZIP_MAGIC)) == GZIP_MAGIC
    return gzip.open(path) if zipped else path.open("rb")


def _read_header(stream: io.BufferedIOBase, name: str) -> tuple[np.dtype, tuple[int, ...]]:
    magic = _read_exactly(stream, 4, name)
    zero, code, axes = struct.unpack(">HBB", magic)
    if zero != 0 or code not in _DTYPES or axes == 0:
        raise DataError(f"{name} is not an IDX file: it begins with {magic.hex(' ')}", _HELP)
    return _DTYPES[code], struct.unpack(f">{axes}I", _read_exactly(stream, 4 * axes, name))


def _read_exactly(stream: io.BufferedIOBase, size: int, name: str) -> bytes:
    content = stream.read(size)
    if len(content) < size:
        raise DataError(f"{name} ends inside the header of an IDX file", _HELP)
    return content
