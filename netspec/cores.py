"""The cores that this process may use, those that other processes leave free, and threads."""

from __future__ import annotations

import os
from pathlib import Path
from time import perf_counter, process_time, sleep

SAMPLE_SECONDS = 0.1
"""How long the work of other processes is watched. Linux counts it in hundredths of a second."""

_IDLE_FIELDS = (3, 4)  # idle and iowait among the counts of a core in /proc/stat (man 5 proc_stat)

_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


def allowed_cores() -> int:
    """The cores that this process may use: fewer than the machine has in many containers.

    Only Linux reports a process's cores and a container's share of them.
    """
    cores = len(_affinity()) or os.cpu_count() or 1
    return max(1, round(min(cores, _quota() + 0.25)))


def free_cores() -> int:
    """The allowed cores that other processes do not use now; 0 where they use all.

    Takes no time where nothing else runs, else `SAMPLE_SECONDS`.
    """
    allowed = allowed_cores()
    if allowed == 1 or not _others_run():
        return allowed
    work, process_start, start = _work(), process_time(), perf_counter()
    sleep(SAMPLE_SECONDS)
    others = (_work() - work) - (process_time() - process_start)
    return max(0, min(allowed, round(allowed - others / (perf_counter() - start))))


def threads_set_by_user() -> int | None:
    """The threads that the user sets for all frameworks, in OMP_NUM_THREADS."""
    first = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(first) if first.isascii() and first.isdigit() and int(first) else None


def thread_count(useful: int, free: int) -> int:
    """The threads for work on which so many threads are useful: at most one on each free core."""
    return max(1, min(free, useful))


def sleeping_thread_count(useful: int, free: int, allowed: int) -> int:
    """The threads for work on which so many are useful, where threads that wait leave their core.

    A thread gets about half of a core that another process uses. So twice as many threads on all
    allowed cores are faster where less than half of them would have a free core.
    """
    shared = min(allowed, 2 * useful)
    unshared = thread_count(useful, free)
    return shared if shared > 2 * min(unshared, free) else unshared


def _affinity() -> frozenset[int]:
    """The numbers of the cores that this process is bound to; empty where the system has none."""
    return frozenset(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else frozenset()


def _quota() -> float:
    """The cores' worth of time that the control groups of this process get; infinite without.

    Version 2 of the control groups has one file with the quota and the period in microseconds,
    version 1 has two (Linux's documentation, admin-guide/cgroup-v2 and scheduler/sched-bwc).
    """
    quotas = [float("inf")]
    for line in _read("/proc/self/cgroup").splitlines():
        _, controllers, group = line.split(":", 2)
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup", "cpu" if controllers else "")
        folder = root / group.lstrip("/")
        for parent in (folder, *folder.parents):
            if parent.is_relative_to(root):
                limits = _read(f"{parent}/cpu.max") or " ".join(
                    _read(f"{parent}/cpu.cfs_{name}_us") for name in ("quota", "period")
                )
                quotas += _ratio(limits.split())
    return min(quotas)


def _ratio(limits: list[str]) -> list[float]:
    """The quota divided by its period, where both are numbers above 0."""
    whole = [int(limit) for limit in limits if limit.isdigit()]
    return [whole[0] / whole[1]] if len(whole) == 2 and all(whole) else []


def _others_run() -> bool:
    """Whether a process or a thread other than this one is ready to run now."""
    fields = _read("/proc/loadavg").split()
    return len(fields) > 3 and int(fields[3].partition("/")[0]) > 1


def _work() -> float:
    """The seconds of work that all processes together have done on the allowed cores."""
    names = {f"cpu{number}" for number in _affinity()}
    rows = [line.split() for line in _read("/proc/stat").splitlines()]
    counts = [[int(count) for count in row[1:9]] for row in rows if row[:1] and row[0] in names]
    busy = sum(sum(row) - sum(row[field] for field in _IDLE_FIELDS) for row in counts)
    return busy / _TICKS_PER_SECOND


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError:
        return ""
