"""A cache of decoded images: a file with the pixels of all, which is memory-mapped.

The name of the file is a hash of the contents of the image files, of how they are decoded, and of
the decoders' versions. So a file is never changed: other images or settings are another file. It is
written under another name first, by one process at a time. A file that was not used for `KEPT`
seconds is removed when another one is written.

A cache file is the pixels (n, height, width, channels) uint8, a JSON object with what could not be
decoded, the length of that, and its hash.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import struct
import sys
import time
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import features
from pydantic import ValidationError

from netspec.cores import allowed_cores
from netspec.data.cache import REMEDY, cache_dir, unusable
from netspec.data.decoding import Fitting, ImageError, read_pixels
from netspec.data.mapped import File, Mapped, state
from netspec.language.layers.tagged import Model
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular, remove_partials, stream_partial

VERSION = 1
"""Of the way in which files are decoded and stored; a change of either is another version."""

KEPT = 30 * 24 * 3600
"""How many seconds a cache file stays that nobody uses."""

_BLOCK = 256  # files that are decoded before their pixels are written
_HASH_BYTES = 16
_TAIL = struct.Struct(f"<8sQ{_HASH_BYTES}s")
_MAGIC = b"netspec\0"

Item = TypeVar("Item")
Result = TypeVar("Result")


@dataclass(frozen=True)
class Decoded:
    """The pixels (n, height, width, channels) uint8 of files, in their order.

    `faults` is why a file could not be decoded, by its index: a phrase after its name. Its pixels
    are 0. `hashes` are of the contents of the files, None where one cannot be read.
    """

    pixels: Mapped
    faults: Mapping[int, str]
    hashes: tuple[str | None, ...]


class _Footer(Model):
    """What a cache file contains besides pixels."""

    shape: tuple[int, int, int, int]
    faults: dict[int, str]


def decode(files: Sequence[Path], fitting: Fitting) -> Decoded:
    """The pixels of image files, from the cache or decoded into it.

    Files that cannot be decoded are in the result. Raises SizeError where one has another size than
    required, and DataError where the cache cannot be used.
    """
    folder = cache_dir() / "images"
    contents = _content_hashes(files)
    path = folder / f"{_key(contents, fitting)}.pixels"
    lock = FileLock(path.with_suffix(".lock"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        images = _read(path)
        if images is None:
            with _locked(lock):
                images = _read(path) or _built(path, files, contents, fitting)
        with suppress(OSError):  # of a folder that only others may write to
            os.utime(lock.lock_file)
    except OSError as error:
        raise unusable(folder, error) from error
    hashes = tuple(None if content.fault else content.hash for content in contents)
    return Decoded(*images, hashes)


@dataclass(frozen=True)
class _Content:
    """The hash of a file's content, or of the reason why it cannot be read."""

    hash: str
    fault: str | None = None


def _content_hashes(files: Sequence[Path]) -> list[_Content]:
    with _bar("Reading", len(files)) as advance, ThreadPoolExecutor(allowed_cores()) as pool:
        return list(_in_blocks(pool, _content, files, advance))


def _content(path: Path) -> _Content:
    try:
        with open_regular(path) as file:
            digest = partial(hashlib.blake2b, digest_size=_HASH_BYTES)
            return _Content(hashlib.file_digest(file, digest).hexdigest())
    except FileNotFoundError:
        fault = "is a link to no file" if path.is_symlink() else "is not there"
    except OSError as error:
        fault = f"cannot be read: {error.strerror or error}"
    return _Content(_hash(fault.encode()).hex(), fault)


def _in_blocks(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Sequence[Item],
    advance: Callable[[int], None],
) -> Iterator[Result]:
    """The results of the work in the order of the items; few are in memory at once."""
    for start in range(0, len(items), _BLOCK):
        block = items[start : start + _BLOCK]
        yield from pool.map(work, block)
        advance(len(block))


def _key(contents: Sequence[_Content], fitting: Fitting) -> str:
    decoders = {name: features.version(name) for name in ("pil", "jpg", "webp", "libtiff", "zlib")}
    about = [VERSION, decoders, repr(fitting), [content.hash for content in contents]]
    return _hash(json.dumps(about).encode()).hex()


@contextmanager
def _locked(lock: FileLock) -> Generator[None]:
    """Hold the lock of a cache file; a wait for another process is reported."""
    try:
        lock.acquire(timeout=0)
    except Timeout:
        sys.stderr.write("note: another process decodes the same images; waiting for it\n")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _read(path: Path) -> tuple[Mapped, Mapping[int, str]] | None:
    """The pixels in a cache file, None where it is not there or is damaged. Raises OSError."""
    try:
        with path.open("rb") as file:
            footer = _footer(file)
            if footer is None:
                return None
            dtype = np.dtype(np.uint8)
            pixels = Mapped(File(path, state(file)), 0, dtype, footer.shape, dtype)
            return pixels, footer.faults
    except FileNotFoundError:
        return None


def _footer(file: BinaryIO) -> _Footer | None:
    end = file.seek(0, os.SEEK_END)
    if end < _TAIL.size:
        return None
    file.seek(end - _TAIL.size)
    magic, length, digest = _TAIL.unpack(file.read(_TAIL.size))
    start = end - _TAIL.size - length
    if magic != _MAGIC or start < 0:
        return None
    file.seek(start)
    content = file.read(length)
    try:
        footer = _Footer.model_validate_json(content)
    except ValidationError:
        return None
    return footer if (_hash(content), start) == (digest, prod(footer.shape)) else None


def _hash(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=_HASH_BYTES).digest()


def _built(
    path: Path, files: Sequence[Path], contents: Sequence[_Content], fitting: Fitting
) -> tuple[Mapped, Mapping[int, str]]:
    """Decode the files into a cache file. Its lock is held."""
    _remove_unused(path.parent)
    size = len(files) * prod(fitting.shape)
    if (free := shutil.disk_usage(path.parent).free) < size:
        message = f"the decoded images take {size:,} bytes, and {path.parent} has {free:,} left"
        raise DataError(message, f"make room, or {REMEDY}")
    remove_partials(path.parent, path.name)

    def write(out: BinaryIO) -> None:
        footer = _write(out, files, contents, fitting).model_dump_json().encode()
        out.write(footer + _TAIL.pack(_MAGIC, len(footer), _hash(footer)))

    stream_partial(path.parent, write, path.name).replace(path)
    images = _read(path)
    assert images is not None
    return images


def _write(
    out: BinaryIO, files: Sequence[Path], contents: Sequence[_Content], fitting: Fitting
) -> _Footer:
    """Write the pixels of all files, 0 for one that cannot be decoded."""
    faults: dict[int, str] = {}
    blank = np.zeros(fitting.shape, np.uint8).tobytes()
    items = list(zip(files, contents, strict=True))
    with (
        warnings.catch_warnings(),
        _bar("Decoding", len(files)) as advance,
        ThreadPoolExecutor(allowed_cores()) as pool,
    ):
        warnings.simplefilter("ignore")  # of parts of the files that do not matter here
        results = _in_blocks(pool, partial(_pixels, fitting), items, advance)
        for index, pixels in enumerate(results):
            if isinstance(pixels, str):
                faults[index] = pixels
            out.write(blank if isinstance(pixels, str) else np.ascontiguousarray(pixels).data)
    return _Footer(shape=(len(files), *fitting.shape), faults=faults)


def _pixels(fitting: Fitting, file: tuple[Path, _Content]) -> NDArray[np.uint8] | str:
    """The pixels of a file, or why it cannot be decoded."""
    path, content = file
    if content.fault:
        return content.fault
    try:
        return read_pixels(path, fitting)
    except ImageError as error:
        return error.reason


def _remove_unused(folder: Path) -> None:
    oldest = time.time() - KEPT
    for lock in folder.glob("*.lock"):
        with suppress(OSError):  # another process has removed it, or may only
            if lock.stat().st_mtime < oldest:
                lock.with_suffix(".pixels").unlink(missing_ok=True)
                lock.unlink()


@contextmanager
def _bar(title: str, files: int) -> Generator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal; it goes away at the end."""
    if not sys.stderr.isatty():
        yield lambda count: None  # noqa: ARG005 - rich takes a tenth of a second to import
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(f"{title} images"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield partial(progress.advance, progress.add_task("", total=files))
