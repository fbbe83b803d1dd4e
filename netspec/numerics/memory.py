"""How much memory the machine has for this process."""

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
    about = Path("/proc/meminfo")  # where Linux says what it could free, too
    found = (
        re.search(r"MemAvailable:\s+([0-9]+) kB", about.read_text("utf-8"))
        if about.exists()
        else None
    )
    if found:
        return int(found[1]) << 10
    if hasattr(os, "sysconf") and "SC_PHYS_PAGES" in os.sysconf_names:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return _UNKNOWN


def _of_group() -> int | None:
    """What is left to a container, if it is bound to less (Linux's control groups, version 2)."""
    most, now = (Path("/sys/fs/cgroup") / f"memory.{name}" for name in ("max", "current"))
    if not most.exists() or (limit := most.read_text("utf-8").strip()) == "max":
        return None
    return max(0, int(limit) - int(now.read_text("utf-8")))
