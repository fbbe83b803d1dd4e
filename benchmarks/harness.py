"""Shared by the benchmarks: alternated rounds, medians, ratios, the machine, tables and JSON."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

from rich import box
from rich.console import Console
from rich.table import Table as Shown

from netspec.backend import gpu_present
from netspec.bench.machine import machine, versions
from netspec.text.files import write_atomically

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
SPEC = ROOT / "specs" / "mnist_cnn.yaml"
NETSPEC = (sys.executable, "-m", "netspec")
"""The command line; a script beside the interpreter is only where netspec is installed."""

PEERS = ("lightning", "torchinfo", "onnxscript", "jax")
"""The packages of the hand-written programs, besides the frameworks: the extra `bench`."""

# For every process: TensorFlow's C++ notices are of no use.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

LOAD_BEFORE = os.getloadavg()
"""How many processes ran in the last 1, 5 and 15 minutes, before any work of the benchmark's."""

KIBIBYTES = 1 / 1024 if sys.platform == "darwin" else 1  # in a unit of ru_maxrss

Sides = Mapping[str, Callable[[], float]]
"""The sides of a comparison, by name: each does its work once and returns its seconds."""

Side = TypeVar("Side")


@dataclass(frozen=True)
class Row:
    """The seconds of one side, round by round, and how many times netspec's they are."""

    name: str
    ratio: float
    lowest: float
    highest: float
    seconds: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.seconds)

    def to_json(self) -> dict[str, Any]:
        """The row as JSON data; `ratios` are the lowest and the highest of a round."""
        return {
            "name": self.name,
            "ratio": self.ratio,
            "ratios": [self.lowest, self.highest],
            "median_seconds": self.median,
            "seconds": list(self.seconds),
        }


@dataclass(frozen=True)
class Table:
    """Results for the reader, on the screen and on the page."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Program:
    """A side that is a command, timed from its start to its end.

    `megabytes` is the largest memory of any of its runs. It is at least the memory of the process
    that starts them, so that process must stay small.
    """

    def __init__(self, *command: str | Path, **environment: str) -> None:
        self.command = command
        self.environment = environment
        self.megabytes = 0.0
        self._printed = ""

    def output(self) -> str:
        """Run the command; what it prints."""
        self()
        return self._printed

    def __call__(self) -> float:
        began = perf_counter()
        process = self._started()
        assert process.stdout
        printed = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        seconds = perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{self._written()} failed:\n{printed}")
        self._printed = printed
        self.megabytes = max(self.megabytes, usage.ru_maxrss * KIBIBYTES * 1024 / 1e6)
        return seconds

    def until(self, line: str) -> float:
        """The seconds from the start of the command until it prints a line; it is then stopped."""
        began = perf_counter()
        with self._started() as process:
            assert process.stdout
            printed: list[str] = []
            for output in process.stdout:
                if output.strip() == line:
                    seconds = perf_counter() - began
                    process.kill()
                    return seconds
                printed.append(output)
        raise SystemExit(f"{self._written()} never came to {line!r}:\n{''.join(printed)}")

    def _started(self) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command,
            cwd=ROOT,
            env=os.environ | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _written(self) -> str:
        return " ".join(map(str, self.command))


def by_hand(name: str, *arguments: str, **environment: str) -> Program:
    """A program of the folder by_hand, in a separate process."""
    return Program(sys.executable, "-m", f"benchmarks.by_hand.{name}", *arguments, **environment)


def parser(description: str | None, rounds: int | None = None) -> argparse.ArgumentParser:
    """A command line with the options that the benchmarks share."""
    options = argparse.ArgumentParser(description=description)
    options.set_defaults(question=(description or "").partition("\n")[0])
    if rounds:
        options.add_argument("--rounds", type=int, default=rounds, help=f"by default {rounds}")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    options.add_argument(
        "--json",
        type=Path,
        nargs="?",
        const=RESULTS,
        metavar="FILE",
        help="write the results there too, a file or a folder; without it benchmarks/results/",
    )
    return options


def installed(sides: Mapping[str, tuple[str, Callable[[], Side]]]) -> dict[str, Side]:
    """The sides whose module is installed, made; a line for each of the others."""
    present: dict[str, Side] = {}
    for name, (module, make) in sides.items():
        if find_spec(module) is None:
            print(f"left out: {name}, for {module} is not installed")
        else:
            present[name] = make()
    return present


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A side that is timed as a whole."""

    def seconds() -> float:
        began = perf_counter()
        work()
        return perf_counter() - began

    return seconds


def compare(sides: Sides, rounds: int, *, warm: bool = True) -> list[Row]:
    """Run every side once to warm up, then once a round; the first of them is netspec's."""
    return rows(alternated(sides, rounds, warm=warm))


def alternated(sides: Sides, rounds: int, *, warm: bool = True) -> dict[str, list[float]]:
    """The seconds of every side in every round; without `warm` the first round is one of them.

    Every other round goes backwards, so that no side always comes after the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values() if warm else ():
        side()
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            seconds[name].append(sides[name]())
    return seconds


def rows(seconds: Mapping[str, Sequence[float]]) -> list[Row]:
    """Every side's seconds, compared with the seconds of the first side, netspec."""
    ours = next(iter(seconds.values()))
    return [_row(name, durations, ours) for name, durations in seconds.items()]


def _row(name: str, seconds: Sequence[float], ours: Sequence[float]) -> Row:
    ratios = [other / netspec for other, netspec in zip(seconds, ours, strict=True)]
    ratio = median(seconds) / median(ours)
    return Row(name, ratio, min(ratios), max(ratios), tuple(seconds))


RATIO = ("time / netspec's", "by round")
"""The columns of the ratio of the medians, and of the range of the ratios of single rounds."""


def ratio_cells(row: Row) -> tuple[str, str]:
    """The texts of the columns RATIO."""
    return f"{row.ratio:.2f}x", f"{row.lowest:.2f}-{row.highest:.2f}"


def seconds_table(
    title: str,
    rows: Sequence[Row],
    sides: Mapping[str, object] | None = None,
    images: int | None = None,
) -> Table:
    """The ratios to netspec's time and the seconds of every side.

    With `images`, those that a side works through in a round, their rate; with `sides`, the memory
    of those that are programs.
    """
    columns = (*RATIO, "program", "seconds", "lowest", "highest")
    columns += ("images/s",) if images else ()
    columns += ("peak MB",) if sides else ()
    return Table(title, columns, tuple(_cells(row, sides, images) for row in rows))


def _cells(row: Row, sides: Mapping[str, object] | None, images: int | None) -> tuple[str, ...]:
    durations = (row.median, min(row.seconds), max(row.seconds))
    cells = (*ratio_cells(row), row.name, *(f"{duration:.3f}" for duration in durations))
    if images:
        cells += (f"{images / row.median:,.0f}",)
    if sides:
        side = sides[row.name]
        cells += (f"{side.megabytes:,.0f}" if isinstance(side, Program) else "",)
    return cells


def show(*tables: Table) -> None:
    """Print tables in full width; columns that begin with a number are right-aligned."""
    for table in tables:
        shown = Shown(*table.columns, box=box.SIMPLE)
        for column, right in zip(shown.columns, numeric(table), strict=True):
            column.justify = "right" if right else "left"
        for row in table.rows:
            shown.add_row(*row)
        width = Console(width=10_000).measure(shown).maximum
        print(table.title)
        Console(width=width, highlight=False).print(shown)


def numeric(table: Table) -> list[bool]:
    """Which columns contain numbers: the first text begins with a digit."""
    return [cell[:1].isdigit() for cell in table.rows[0]]


def write_json(
    arguments: argparse.Namespace,
    benchmark: str,
    tables: Sequence[Table],
    results: Iterable[Mapping[str, Any]],
    **about: str,
) -> None:
    """Write the tables and every result, if `--json` is present, with the machine and versions."""
    if arguments.json is None:
        return
    data: dict[str, Any] = {
        "benchmark": benchmark,
        "question": arguments.question,
        **about,
        "quick": arguments.quick,
    }
    data["machine"] = machine() | {"gpu": _gpu(), "load": list(LOAD_BEFORE)}
    data["versions"] = versions() | {name: _version(name) for name in PEERS}
    data |= {"tables": [asdict(table) for table in tables], "results": list(results)}
    path = (
        arguments.json if arguments.json.suffix == ".json" else arguments.json / f"{benchmark}.json"
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, (json.dumps(data, indent=1) + "\n").encode())


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _gpu() -> str | None:
    """The NVIDIA GPUs and their driver, as NVIDIA's tool reports them; None without."""
    if not gpu_present():
        return None
    command = ["nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader"]
    try:
        process = subprocess.run(command, check=True, capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.SubprocessError):
        return None  # an unknown driver is no reason to lose what was measured
    return process.stdout.strip()
