"""The machine of a measurement: the processor, its cores, their load, and the versions."""

from __future__ import annotations

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from netspec.backend import listing
from netspec.cores import allowed_cores


def versions() -> dict[str, str | None]:
    """The versions of Python, netspec, NumPy and the frameworks, None where one is missing."""
    packages: dict[str, str | None] = {"python": platform.python_version()}
    packages |= {name: version(name) for name in ("netspec", "numpy")}
    return packages | {
        name: package_version
        for row in listing()
        for name, package_version in row["versions"].items()
    }


def machine() -> dict[str, Any]:
    """The system, the processor, the cores for this process, and the load of the last minutes.

    `load` is the number of processes that were ready to run in the last 1, 5 and 15 minutes.
    """
    load = list(os.getloadavg()) if hasattr(os, "getloadavg") else None
    return {"system": platform.platform(), "cpu": cpu(), "cores": allowed_cores(), "load": load}


def cpu() -> str:
    """The processor's name, which Linux has only in a file."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


def peak_memory() -> int | None:
    """The peak memory of this process in bytes; None where the system does not report it."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not Linux's ru_maxrss: a process begins with the value of its parent.
        fields = dict(line.split(":", 1) for line in status.read_text("utf-8").splitlines())
        return int(fields["VmHWM"].split()[0]) * 1024
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # macOS reports bytes
