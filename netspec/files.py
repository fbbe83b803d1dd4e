"""Files that are there whole or not at all, and whose reading ends."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import BinaryIO

from netspec.diagnostics import NetspecError


def open_regular(path: Path) -> BinaryIO:
    """Open a file to read its bytes.

    Raises OSError where it cannot be opened, or is a pipe or a device: reading that may never end.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path has no null character")
    mode = path.stat().st_mode
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode):
        raise OSError(errno.EINVAL, "it is no regular file")
    return path.open("rb")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a stop at any moment leaves the old content or the new one.

    Raises NetspecError where it cannot be written; what was there before then stays.
    """
    partial = _partial(path)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except OSError as error:
        if partial.exists():
            partial.unlink()
        raise _unwritable(path, error) from None


def check_writable(path: Path) -> None:
    """Raise NetspecError where a file could not be written; for what comes after long work."""
    partial = _partial(path)
    try:
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None


def _partial(path: Path) -> Path:
    """Where a file is before it is whole. Raises NetspecError where the path is a folder's."""
    if not path.name or path.is_dir():
        raise NetspecError(f"{path} cannot be written: it is a folder", "name a file in it")
    return path.with_name(f".{path.name}.partial")


def _unwritable(path: Path, error: OSError) -> NetspecError:
    help = "check that the folder is there, that it can be written to, and that it has room"
    return NetspecError(f"{path} cannot be written: {error.strerror}", help)
