"""A cache of decoded images: a file with the pixels of all, which is memory-mapped.

The name of the file is a hash of the contents of the image files, of how they are decoded, and of
the decoders' versions. So a file is never changed: other images or settings are another file. It is
written under another name first, by one process at a time. A file that was not used for `KEPT`
seconds is removed when another one is written.

A cache file is the pixels (n, height, width, channels) uint8, a JSON object with what could not be
decoded, the length of that, and its hash.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
import sys
import time
import warnings
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import prod
from pathlib import Path
from typing import BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from PIL import features
from pydantic import ValidationError

from netspec.cores import allowed_cores
from netspec.data.cache import REMEDY, cache_dir, unusable
from netspec.data.decoding import Fitting, ImageError, read_pixels
from netspec.data.hashes import HASH_BYTES, KEPT, Content, content_hash, content_hashes
from netspec.data.mapped import File, Mapped, state
from netspec.data.threads import bar, in_blocks
from netspec.language.layers.tagged import Model
from netspec.text.diagnostics import DataError
from netspec.text.files import remove_partials, stream_partial

VERSION = 1
"""Of the way in which files are decoded and stored; a change of either is another version."""

_TAIL = struct.Struct(f"<8sQ{HASH_BYTES}s")
_MAGIC = b"netspec\0"


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
    contents = content_hashes(files, folder)
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


def _key(contents: Sequence[Content], fitting: Fitting) -> str:
    decoders = {name: features.version(name) for name in ("pil", "jpg", "webp", "libtiff", "zlib")}
    about = [VERSION, decoders, repr(fitting), [content.hash for content in contents]]
    return content_hash(json.dumps(about).encode()).hex()


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
    return footer if (content_hash(content), start) == (digest, prod(footer.shape)) else None


def _built(
    path: Path, files: Sequence[Path], contents: Sequence[Content], fitting: Fitting
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
        out.write(footer + _TAIL.pack(_MAGIC, len(footer), content_hash(footer)))

    stream_partial(path.parent, write, path.name).replace(path)
    images = _read(path)
    assert images is not None
    return images


def _write(
    out: BinaryIO, files: Sequence[Path], contents: Sequence[Content], fitting: Fitting
) -> _Footer:
    """Write the pixels of all files, 0 for one that cannot be decoded."""
    faults: dict[int, str] = {}
    blank = np.zeros(fitting.shape, np.uint8).tobytes()
    items = list(zip(files, contents, strict=True))
    with (
        warnings.catch_warnings(),
        bar("Decoding images", len(files)) as advance,
        ThreadPoolExecutor(allowed_cores()) as pool,
    ):
        warnings.simplefilter("ignore")  # of parts of the files that do not matter here
        results = in_blocks(pool, partial(_pixels, fitting), items, advance)
        for index, pixels in enumerate(results):
            if isinstance(pixels, str):
                faults[index] = pixels
            out.write(blank if isinstance(pixels, str) else np.ascontiguousarray(pixels).data)
    return _Footer(shape=(len(files), *fitting.shape), faults=faults)


def _pixels(fitting: Fitting, file: tuple[Path, Content]) -> NDArray[np.uint8] | str:
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
