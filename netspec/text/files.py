"""Files that are complete or absent, and whose reading ends."""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from netspec.text.diagnostics import NetspecError

PARTIAL = ".partial"
"""The end of the name of a file that is not complete."""


def open_regular(path: Path, *, pipes: bool = False) -> BufferedReader:
    """Open a file to read its bytes.

    Raises OSError where it cannot be opened, or is a pipe or a device: reading that may never end.
    With `pipes`, a pipe that a shell has opened is read, as in `netspec check /dev/stdin`: it has
    no name in a folder, so another process writes into it.
    """
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path has no null character")
    mode = path.stat().st_mode
    opened = pipes and stat.S_ISFIFO(mode) and not path.resolve().exists()
    if not stat.S_ISREG(mode) and not stat.S_ISDIR(mode) and not opened:
        raise OSError(errno.EINVAL, "it is no regular file")
    return path.open("rb")


def is_file(path: Path) -> bool:
    """Whether a path leads to a regular file; a path that no file can have is not."""
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long
        return False


def read_regular(path: Path) -> bytes:
    """The bytes of a file; see `open_regular`."""
    with open_regular(path) as file:
        return file.read()


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file so that a stop at any moment leaves the old content or the new one.

    A link stays, and the file that it leads to is written. A pipe or a device stays too, and takes
    the content. Raises NetspecError where the file cannot be written; what was there before then
    stays.
    """
    stream_atomically(path, lambda file: file.write(content))


def stream_atomically(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """As `write_atomically`, for content that `write` writes into the file part by part.

    What `write` raises ends it, and what was there before stays, except in a pipe or a device.
    """
    try:
        if is_stream(path):
            stdout = _is_stdout(path)
            if stdout and sys.stdout is not None:
                sys.stdout.flush()
            with open(1 if stdout else path, "wb", closefd=not stdout) as file:
                write(file)
            return
        target = _target(path)
        partial = stream_partial(target.parent, write)
        try:
            partial.replace(target)
        except OSError:
            partial.unlink()
            raise
    except OSError as error:
        raise _unwritable(path, error) from None


def write_partial(folder: Path, content: bytes, prefix: str = "") -> Path:
    """A new file with this content in a folder, complete on the disk, under an unused name.

    The name is short whatever the file is called later. Raises OSError, and leaves nothing then.
    """
    return stream_partial(folder, lambda file: file.write(content), prefix)


def stream_partial(folder: Path, write: Callable[[BinaryIO], object], prefix: str = "") -> Path:
    """As `write_partial`, for content that `write` writes into the file part by part."""
    partial = _partial(folder, prefix)
    try:
        with partial.open("xb") as file:
            write(file)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    return partial


def remove_partials(folder: Path, prefix: str) -> None:
    """Remove the files with this prefix that killed processes have not completed."""
    for path in folder.glob(f".{prefix}*{PARTIAL}"):
        with suppress(OSError):  # a leftover harms nobody
            path.unlink()


def check_writable(path: Path) -> None:
    """Raise NetspecError where a file could not be written; for what comes after long work."""
    try:
        if is_stream(path):
            if not os.access(path, os.W_OK):
                raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
            return
        target = _target(path)
        partial = _partial(target.parent)
        partial.touch()
        partial.unlink()
    except OSError as error:
        raise _unwritable(path, error) from None


def _partial(folder: Path, prefix: str = "") -> Path:
    """A name that no other file has, of this process or of another one."""
    return folder / f".{prefix}{uuid4().hex[:16]}{PARTIAL}"


def is_stream(path: Path) -> bool:
    """Whether a path leads to a pipe, a device, a socket or this process's standard output.

    These cannot be replaced by another file. Raises OSError where the path cannot be followed.
    """
    try:
        mode = path.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)) or _is_stdout(path)


def _is_stdout(path: Path) -> bool:
    """Whether a path leads to the standard output, as /dev/stdout is where it is a file."""
    try:
        return os.path.samestat(path.stat(), os.fstat(1))
    except OSError:  # it is closed
        return False


def _target(path: Path) -> Path:
    """The file that a path leads to. Raises OSError where no file can have its name."""
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "a path has no null character")
    if not path.name or path.is_dir():
        raise IsADirectoryError(errno.EISDIR, "it is a folder")
    target = path.resolve() if path.is_symlink() else path
    with suppress(FileNotFoundError):
        target.lstat()  # raises an error where the name is too long
    return target


def _unwritable(path: Path, error: OSError) -> NetspecError:
    help = "check that the folder is there, that it can be written to, and that it has room"
    if error.errno == errno.EISDIR:
        help = "name a file in it"
    if error.errno == errno.ENAMETOOLONG:
        help = "choose a shorter name"
    return NetspecError(f"{path} cannot be written: {error.strerror or error}", help)
