"""A data set of the user's own in one .npz file, under the names of Keras's mnist.npz."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from netspec.data.mapped import File, Stored, state
from netspec.data.npy import DAMAGE, read_header, read_values
from netspec.text.diagnostics import DataError, nearest, one_of
from netspec.text.files import open_regular

KEYS: tuple[str, ...] = ("x_train", "y_train", "x_test", "y_test")

# Deflate makes of a byte 1,032 at most (https://zlib.net/zlib_tech.html), so that a member that
# claims more cannot be there.
_DEFLATE_RATIO = 1032
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # what NumPy writes
_ENCRYPTED_OR_PATCHED = 0x61  # bits of a member's flags
_HELP = "write it with numpy.savez(path, x_train=..., y_train=..., x_test=..., y_test=...)"
_SIZES_FOLLOW = 8  # the bit of a member's flags: its header has neither sizes nor checksum
_HEADER = struct.Struct("<4s5H3L2H")  # of a member, without its name and its extra fields
_ZIP64 = 0xFFFFFFFF  # for a size that is in the extra fields
_ZIP64_FIELD = 1  # which of them
_CHUNK = 1 << 20  # bytes
_SHOWN = 8  # names in a message

# What zipfile and numpy.lib.format raise, between them, where the bytes are not what they expect.
_DAMAGE = (
    *DAMAGE,
    zipfile.BadZipFile,
    zlib.error,
    OSError,  # a seek to where no file reaches
    NotImplementedError,
)


def read_npz(
    path: Path,
    keys: Sequence[str] = KEYS,
    optional: Sequence[str] = (),
    *,
    texts: Collection[str] = (),
    renamed: Collection[str] = (),
) -> dict[str, Stored]:
    """The arrays of these names of an .npz file, in native byte order, and the optional ones there.

    The arrays `texts` may hold texts, the others are numbers. `renamed` are the names that the
    spec has chosen: where there are any, further arrays of the file are not read.

    What numpy.savez wrote stays in the file; what is compressed or in Fortran's order comes into
    memory. Nothing is unpickled, and no array is set aside before the file is seen to hold it.
    Raises DataError where the file cannot be read, is damaged, has other names, or holds other
    values, or more than `LIMIT` bytes of an array that comes into memory.
    """
    with _opened(path) as (file, archive):
        there = archive.namelist()
        _check_names(there, keys, optional, path, renamed)
        _check_places(archive)
        members = [*keys, *(key for key in optional if f"{key}.npy" in there)]
        source = File(path, state(file))
        return {key: _member(archive, key, source, texts=key in texts) for key in members}


def shapes_in(path: Path) -> dict[str, tuple[int, ...]]:
    """The shape of every array in an .npz file, by its name. Raises DataError; see `read_npz`."""
    shapes: dict[str, tuple[int, ...]] = {}
    with _opened(path) as (_, archive):
        for member in archive.namelist():
            with archive.open(member) as stream:
                shapes[member.removesuffix(".npy")] = read_header(stream, str(path), _HELP).shape
    return shapes


@contextmanager
def _opened(path: Path) -> Generator[tuple[BinaryIO, zipfile.ZipFile]]:
    """The file and the archive. Raises DataError, also where what is read in it is damaged."""
    try:
        file = open_regular(path)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}", _HELP) from error
    try:
        with file, zipfile.ZipFile(file) as archive:
            yield file, archive
    except _DAMAGE as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise DataError(f"{path} is not a sound .npz file ({reason})", _HELP) from error


def _check_names(
    names: Sequence[str],
    keys: Sequence[str],
    optional: Sequence[str],
    path: Path,
    renamed: Collection[str],
) -> None:
    # Counted, for a zip file may hold one name twice.
    actual, expected = Counter(names), Counter(f"{key}.npy" for key in keys)
    known = expected + Counter(f"{key}.npy" for key in optional)
    if missing := _plain(expected - actual):
        there = _plain(actual)
        examples = [*there[:_SHOWN], *(["more"] if len(there) > _SHOWN else [])]
        holds = f"; it holds {one_of(examples, 'and')}" if examples else ", for it is empty"
        message = f"{path} lacks {one_of(missing, 'and')}{holds}"
        if wrong := [name for name in missing if name in renamed]:
            meant = nearest(wrong[0], there)
            help = f"did you mean {meant}?" if meant else "name arrays of the file in `arrays`"
            raise DataError(message, help)
        raise DataError(message, _renaming(missing[0], _plain(actual - known)) + _saving(keys))
    extra = actual - known
    if unknown := [name for name in extra if name in known or not renamed]:
        help = (
            f"{_saving(keys)}; or name the arrays of the file in data, as `arrays: {{x_train: x}}`"
        )
        raise DataError(f"{path} holds {one_of(sorted(_plain(unknown)), 'and')} besides", help)


def _plain(members: Iterable[str]) -> list[str]:
    """The names of arrays from the names of their members."""
    return [member.removesuffix(".npy") for member in members]


def _renaming(name: str, others: Sequence[str]) -> str:
    """How a spec names an array that may be one of the `others`; nothing where there are none."""
    meant = nearest(name, others) or next(iter(others), None)
    return f"name it in data, as `arrays: {{{name}: {meant}}}`; or " if meant else ""


def _saving(keys: Sequence[str]) -> str:
    return f"write it with numpy.savez(path, {', '.join(f'{key}=...' for key in keys[:_SHOWN])})"


def _check_places(archive: zipfile.ZipFile) -> None:
    """Raise BadZipFile where a member cannot be where the zip's directory claims it to be.

    The sizes in the directory are what its writer claims: of two members, or of a member and the
    directory, no bytes overlap, and a stored member has as many bytes as values.
    """
    behind = 0
    for info in sorted(archive.infolist(), key=lambda info: info.header_offset):
        if info.compress_type == zipfile.ZIP_STORED and info.compress_size != info.file_size:
            sizes = f"{info.compress_size} and {info.file_size} bytes"
            raise zipfile.BadZipFile(f"{info.filename!r} is stored, and has the sizes {sizes}")
        if info.header_offset < behind:
            raise zipfile.BadZipFile(f"{info.filename!r} overlaps the member before it")
        behind = _start(archive, info) + info.compress_size
    if behind > archive.start_dir:
        raise zipfile.BadZipFile("the last member overlaps the directory")


def _start(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> int:
    """Where the bytes of a member begin: after its header, whose last two parts vary.

    Raises BadZipFile where the header states something else than the directory. See 4.3.7 and 4.5.3
    of https://pkware.cachefly.net/webdocs/casestudies/APPNOTE.TXT.
    """
    assert archive.fp
    archive.fp.seek(info.header_offset)
    header = archive.fp.read(_HEADER.size)
    if len(header) < _HEADER.size:
        raise zipfile.BadZipFile(f"the header of {info.filename!r} is cut off")
    _, _, flags, compression, _, _, checksum, compressed, size, name, extra = _HEADER.unpack(header)
    archive.fp.seek(name, io.SEEK_CUR)
    if _ZIP64 in (compressed, size):
        size, compressed = _large_sizes(archive.fp.read(extra)) or (size, compressed)
    stated = flags, compression, checksum, compressed, size
    expected = info.flag_bits, info.compress_type, info.CRC, info.compress_size, info.file_size
    known = 2 if flags & _SIZES_FOLLOW else len(stated)
    if stated[:known] != expected[:known]:
        raise zipfile.BadZipFile(f"the header of {info.filename!r} differs from the directory")
    return info.header_offset + _HEADER.size + name + extra


def _large_sizes(extra: bytes) -> tuple[int, int] | None:
    """The size and the compressed size in the extra fields of a member's header."""
    while len(extra) >= 4:
        kind, length = struct.unpack_from("<2H", extra)
        if kind == _ZIP64_FIELD and 16 <= length <= len(extra) - 4:
            return struct.unpack_from("<2Q", extra, 4)
        extra = extra[4 + length :]
    return None


def _member(archive: zipfile.ZipFile, key: str, file: File, *, texts: bool) -> Stored:
    name = f"{key} in {file.path}"
    info = archive.getinfo(f"{key}.npy")
    if info.compress_type not in _COMPRESSIONS or info.flag_bits & _ENCRYPTED_OR_PATCHED:
        raise DataError(f"{name} is compressed or encrypted in a way that NumPy never does", _HELP)
    with archive.open(info) as stream:
        header = read_header(stream, name, _HELP)
        stays = info.compress_type == zipfile.ZIP_STORED and not header.fortran
        start = stream.tell()
        size = start + header.checked(name, _HELP, texts=texts, stays=stays).nbytes
        there = min(info.file_size, _DEFLATE_RATIO * info.compress_size)
        if size != there:
            raise DataError(f"{name} declares {size} bytes, and {there} are there", _HELP)
        if stays:
            while stream.read(_CHUNK):  # to its end, where its checksum is compared
                pass
            return header.mapped(file, _start(archive, info) + start)
    with archive.open(info) as stream:
        return read_values(stream)
