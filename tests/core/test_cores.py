"""Cores that a process may use, cores that are free, and threads."""

from __future__ import annotations

import subprocess
import sys
import time

import pytest

from netspec import cores

STAT = """\
cpu  1 2 3 4 5 6 7 8 0 0
cpu0 100 10 20 5000 50 1 2 3 0 0
cpu1 200 10 20 5000 50 1 2 3 0 0
intr 5
"""


def files(monkeypatch, texts: dict[str, str]) -> None:
    monkeypatch.setattr(cores, "_read", lambda path: texts.get(path, ""))


def bind(monkeypatch, numbers: set[int]) -> None:
    monkeypatch.setattr(cores, "_affinity", lambda: frozenset(numbers))


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ({}, 8),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"}, 8),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "200000 100000\n"}, 2),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "150000 100000\n"}, 2),
        ({"/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "50000 100000\n"}, 1),
        ({"/proc/self/cgroup": "0::/a/b\n", "/sys/fs/cgroup/a/cpu.max": "300000 100000\n"}, 3),
        (
            {
                "/proc/self/cgroup": "3:memory:/c\n1:cpu,cpuacct:/c\n",
                "/sys/fs/cgroup/cpu/c/cpu.cfs_quota_us": "400000\n",
                "/sys/fs/cgroup/cpu/c/cpu.cfs_period_us": "100000\n",
            },
            4,
        ),
        (
            {
                "/proc/self/cgroup": "1:cpu:/\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_quota_us": "-1\n",
                "/sys/fs/cgroup/cpu/cpu.cfs_period_us": "100000\n",
            },
            8,
        ),
    ],
    ids=["none", "max", "two", "one and a half", "half", "parent", "version 1", "no quota"],
)
def test_control_groups_limit_the_cores(monkeypatch, texts, expected):
    bind(monkeypatch, set(range(8)))
    files(monkeypatch, texts)
    assert cores.allowed_cores() == expected


def test_only_work_on_allowed_cores_counts(monkeypatch):
    files(monkeypatch, {"/proc/stat": STAT})
    monkeypatch.setattr(cores, "_TICKS_PER_SECOND", 100)
    bind(monkeypatch, {1})
    assert cores._work() == pytest.approx(2.36)
    bind(monkeypatch, {0, 1})
    assert cores._work() == pytest.approx(3.72)


@pytest.mark.parametrize(
    ("others", "expected"), [(0.0, 4), (0.4, 4), (1.0, 3), (2.6, 1), (4.0, 0), (9.0, 0)]
)
def test_cores_of_other_processes_are_not_free(monkeypatch, others, expected):
    """`others` is the number of cores that other processes use."""
    clock = iter([0.0, 10.0])
    work = iter([50.0, 50.0 + 10 * others + 1.5])
    process_times = iter([3.0, 4.5])
    bind(monkeypatch, {0, 1, 2, 3})
    monkeypatch.setattr(cores, "_quota", lambda: float("inf"))
    monkeypatch.setattr(cores, "_others_run", lambda: True)
    monkeypatch.setattr(cores, "perf_counter", lambda: next(clock))
    monkeypatch.setattr(cores, "process_time", lambda: next(process_times))
    monkeypatch.setattr(cores, "_work", lambda: next(work))
    monkeypatch.setattr(cores, "sleep", lambda _: None)
    assert cores.free_cores() == expected


def test_an_idle_machine_is_not_watched(monkeypatch):
    bind(monkeypatch, {0, 1})
    files(monkeypatch, {"/proc/loadavg": "1.50 1.00 0.50 1/200 4242\n"})
    monkeypatch.setattr(cores, "sleep", lambda _: pytest.fail("it slept"))
    assert cores.free_cores() == 2


def test_all_cores_are_free_without_these_files(monkeypatch):
    monkeypatch.setattr(cores.os, "cpu_count", lambda: 6)
    bind(monkeypatch, set())
    files(monkeypatch, {})
    assert cores.allowed_cores() == cores.free_cores() == 6


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the work of others")
def test_busy_processes_take_all_cores():
    command = [sys.executable, "-c", "while True: pass"]
    processes = [subprocess.Popen(command) for _ in range(2 * cores.allowed_cores())]
    try:
        # A new process needs a moment until it computes.
        ends = time.monotonic() + 20
        while (free := cores.free_cores()) and time.monotonic() < ends:
            pass
    finally:
        for process in processes:
            process.kill()
            process.wait()
    assert free == 0


@pytest.mark.parametrize(("useful", "free", "count"), [(1, 8, 1), (3, 8, 3), (9, 8, 8), (4, 0, 1)])
def test_a_thread_has_a_core_that_no_other_process_uses(useful, free, count):
    assert cores.thread_count(useful, free) == count


@pytest.mark.parametrize(
    ("useful", "free", "count"),
    [
        pytest.param(4, 8, 4, id="idle"),
        pytest.param(9, 8, 8, id="all"),
        pytest.param(1, 1, 1, id="a free core is as fast as two halves"),
        pytest.param(4, 2, 8, id="eight halves are faster than two"),
        pytest.param(4, 4, 4, id="four are as fast as eight halves"),
        pytest.param(1, 0, 2, id="two halves of no free core"),
        pytest.param(20, 0, 8, id="all cores, none of them free"),
    ],
)
def test_threads_that_sleep_share_busy_cores(useful, free, count):
    assert cores.sleeping_thread_count(useful, free, 8) == count


@pytest.mark.parametrize(
    ("setting", "expected"),
    [(None, None), ("", None), ("3", 3), ("4,2", 4), ("0", None), ("-1", None), ("many", None)],
)
def test_the_user_sets_threads_by_omp_num_threads(monkeypatch, setting, expected):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if setting is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    assert cores.threads_set_by_user() == expected
