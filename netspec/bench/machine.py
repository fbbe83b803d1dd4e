"""What figures were taken on: the processor, its cores, how busy they are, and the versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from netspec.backend import listing
from netspec.backend.cores import allowed_cores


def versions() -> dict[str, str | None]:
    """The versions of Python, netspec, NumPy and the frameworks, None where one is missing."""
    found: dict[str, str | None] = {"python": platform.python_version()}
    found |= {name: version(name) for name in ("netspec", "numpy")}
    return found | {name: at for row in listing() for name, at in row["versions"].items()}


def machine() -> dict[str, Any]:
    """The system, the processor, the cores for this process, and the load of the last minutes.

    `load` is the number of processes that wanted to run in the last 1, 5 and 15 minutes.
    """
    load = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return {"system": platform.platform(), "cpu": cpu(), "cores": allowed_cores(), "load": load}


def cpu() -> str:
    """The processor's name, which Linux tells in a file only."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def peak_memory() -> int | None:
    """The most bytes of memory that this process has held; None where the system does not tell."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not Linux's ru_maxrss: a process begins with that of the one that started it.
        fields = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS gives bytes
