"""The hashes of the contents of files, and an index of them, so that unchanged files are not read.

A file is unchanged where its path, size, inode and times are those in the index. A file that is
changed twice within one tick of the clock keeps its time: so a file that is younger than `SETTLED`
is not in the index, as git does not trust such an entry of its index. The time of the inode changes
also where a program sets the time of the content.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

from pydantic import ValidationError

from netspec.cores import allowed_cores
from netspec.data.threads import bar, in_blocks
from netspec.language.layers.tagged import Model
from netspec.text.diagnostics import NetspecError
from netspec.text.files import open_regular, write_atomically

VERSION = 1
"""Of the index; a change of its form or of the hash is another version."""

SETTLED = 2_000_000_000
"""The nanoseconds after which the time of a change is trusted; FAT counts in steps of 2 seconds."""

KEPT = 30 * 24 * 3600
"""How many seconds a file of the cache stays that nobody uses."""

HASH_BYTES = 16

State: TypeAlias = tuple[int, int, int, int]
"""The size, the times of the content and of the inode in nanoseconds, and the inode of a file."""


@dataclass(frozen=True)
class Content:
    """The hash of a file's content, or of the reason why it cannot be read."""

    hash: str
    fault: str | None = None


Entry: TypeAlias = tuple[State, str]
"""The state of a file and the hash of its content."""


class _Index(Model):
    """The states and hashes of files, by the name of the file below the folder of the index."""

    version: int = VERSION
    entries: dict[str, Entry]


def content_hashes(files: Sequence[Path], folder: Path) -> list[Content]:
    """The hash of every file's content; the index of the hashes is in the cache folder `folder`."""
    began = time.time_ns()
    names = [os.fsencode(os.path.abspath(file)).decode("latin-1") for file in files]  # noqa: PTH100 - keeps links
    path = folder / f"{content_hash(os.path.commonpath(names).encode()).hex()}.index"
    before = _read(path)
    states = [_state(file) for file in files]
    known = [_known(before.get(name), state) for name, state in zip(names, states, strict=True)]
    unknown = [file for file, content in zip(files, known, strict=True) if content is None]
    with (
        bar("Reading images", len(unknown)) as advance,
        ThreadPoolExecutor(allowed_cores()) as pool,
    ):
        read = in_blocks(pool, _content, unknown, advance)
        contents = [content or next(read) for content in known]
    after = {
        name: (state, content.hash)
        for name, state, content in zip(names, states, contents, strict=True)
        if state and not content.fault and max(state[1], state[2]) < began - SETTLED
    }
    with suppress(OSError, NetspecError):  # of a folder that only others may write to
        _write(path, before, after)
    return contents


def content_hash(content: bytes) -> bytes:
    """The hash of bytes."""
    return hashlib.blake2b(content, digest_size=HASH_BYTES).digest()


def _state(path: Path) -> State | None:
    """The state of a file, None where it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _known(entry: Entry | None, state: State | None) -> Content | None:
    """The content of an entry, None where the file has another state."""
    return Content(entry[1]) if entry and entry[0] == state else None


def _content(path: Path) -> Content:
    """The hash of a file that is read."""
    try:
        with open_regular(path) as stream:
            digest = partial(hashlib.blake2b, digest_size=HASH_BYTES)
            return Content(hashlib.file_digest(stream, digest).hexdigest())
    except FileNotFoundError:
        fault = "is a link to no file" if path.is_symlink() else "is not there"
    except OSError as error:
        fault = f"cannot be read: {error.strerror or error}"
    return Content(content_hash(fault.encode()).hex(), fault)


def _read(path: Path) -> dict[str, Entry]:
    """The entries of an index; none where it is not there, or is damaged."""
    try:
        index = _Index.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return {}
    return index.entries if index.version == VERSION else {}


def _write(path: Path, before: Mapping[str, Entry], after: dict[str, Entry]) -> None:
    """Write an index that has changed. One that was not used for `KEPT` seconds is removed."""
    if before == after:
        if after:
            os.utime(path)
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, _Index(entries=after).model_dump_json().encode())
    for index in path.parent.glob("*.index"):
        if index.stat().st_mtime < time.time() - KEPT:
            index.unlink()
