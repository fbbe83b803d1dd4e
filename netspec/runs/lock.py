"""The lock of a run: one process at a time trains it."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from netspec.language.layers.tagged import Model
from netspec.runs.manifest import PREFIX
from netspec.text.diagnostics import NetspecError, RunError
from netspec.text.files import read_regular, remove_partials, write_atomically

LOCK, HOLDER = ".lock", ".holder.json"


class Holder(Model):
    """Who holds the lock of a run."""

    process: int
    host: str
    since: str

    def __str__(self) -> str:
        return f"process {self.process} on {self.host}, since {self.since}"


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Keep other processes from training a run. The operating system ends it with the process.

    What killed processes left in the folder is removed. Raises RunError where another process
    holds the lock; the error contains its number.
    """
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        message = f"{folder} is being trained by {_holder(folder)}"
        raise RunError(message, "wait for its end, or stop it; then train with --resume") from None
    except OSError as error:
        message = f"{folder} cannot be locked: {error.strerror or error}"
        raise RunError(message, "check that the folder can be written to") from None
    try:
        remove_partials(folder, PREFIX)
        since = datetime.now(UTC).isoformat(" ", "seconds")
        holder = Holder(process=os.getpid(), host=socket.gethostname(), since=since)
        write_atomically(folder / HOLDER, holder.model_dump_json().encode())
        yield
    finally:
        with suppress(OSError):  # it only serves the message above
            (folder / HOLDER).unlink()
        lock.release()


def _holder(folder: Path) -> str:
    try:
        return str(Holder.model_validate_json(read_regular(folder / HOLDER)))
    except (OSError, ValidationError, NetspecError):
        return "another process"
