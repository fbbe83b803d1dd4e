"""How much memory there is for data, and how people write it."""

from __future__ import annotations

import re

from netspec.numerics.memory import free_memory
from netspec.text.diagnostics import DataError

UNITS = {
    "": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "KiB": 1 << 10,
    "MiB": 1 << 20,
    "GiB": 1 << 30,
}


def bytes_of(written: str) -> int:
    """The bytes of `2GiB` or `500MB`. Raises DataError where it is something else."""
    match = re.fullmatch(r"([0-9]{1,15}(?:\.[0-9]{1,15})?) ?([KMG]i?B)?", written.strip())
    if match is None:
        raise DataError(f"{written!r} is no amount of memory", "write it as 2GiB or 500MB")
    return int(float(match[1]) * UNITS[match[2] or ""])


def half_of_memory() -> int:
    """Half of the bytes that this process can have before the machine begins to swap."""
    return free_memory() // 2
