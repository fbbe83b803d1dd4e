"""The free memory of the machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

_UNKNOWN = 8 << 30  # bytes, where the machine does not report any


def free_memory() -> int:
    """The bytes that this process can have before the machine begins to swap."""
    there, group = _of_machine(), _of_group()
    return there if group is None else min(there, group)


def _of_machine() -> int:
    about = Path("/proc/meminfo")  # Linux includes the memory that it can free
    match = (
        re.search(r"MemAvailable:\s+([0-9]+) kB", about.read_text("utf-8"))
        if about.exists()
        else None
    )
    if match:
        return int(match[1]) << 10
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN


def _of_group() -> int | None:
    """The free memory of a container with a limit (Linux's control groups, version 2)."""
    most, now = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
    if not most.exists() or (limit := most.read_text("utf-8").strip()) == "max":
        return None
    return max(0, int(limit) - int(now.read_text("utf-8")))
