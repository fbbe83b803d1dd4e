"""What the benchmarks share: alternated rounds, medians, ratios, the machine, a table and JSON."""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from netspec.backend import listing

ROOT = Path(__file__).parents[1]
SPEC = ROOT / "specs" / "mnist_cnn.yaml"
NETSPEC = Path(sys.executable).with_name("netspec")

LOAD_BEFORE = os.getloadavg()
"""How many processes ran in the last 1, 5 and 15 minutes, before any work of the benchmark's."""

Sides = Mapping[str, Callable[[], float]]
"""What is compared, by name: each does its work once and returns the seconds that it took."""


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


def parser(description: str | None, rounds: int | None = None) -> argparse.ArgumentParser:
    """A command line with the options that the benchmarks share."""
    options = argparse.ArgumentParser(description=description)
    if rounds:
        options.add_argument("--rounds", type=int, default=rounds, help=f"by default {rounds}")
    options.add_argument("--quick", action="store_true", help="only see that it runs")
    options.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return options


def timed(work: Callable[[], object]) -> Callable[[], float]:
    """A side that is timed as a whole."""

    def seconds() -> float:
        began = perf_counter()
        work()
        return perf_counter() - began

    return seconds


def compare(sides: Sides, rounds: int) -> list[Row]:
    """Run every side once to warm up, then once a round; the first of them is netspec's.

    Every other round goes backwards, so that no side always comes after the same one.
    """
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side()
    for number in range(rounds):
        for name in list(sides)[:: -1 if number % 2 else 1]:
            seconds[name].append(sides[name]())
    ours = next(iter(seconds.values()))
    return [_row(name, taken, ours) for name, taken in seconds.items()]


def _row(name: str, seconds: Sequence[float], ours: Sequence[float]) -> Row:
    ratios = [theirs / own for theirs, own in zip(seconds, ours, strict=True)]
    ratio = median(seconds) / median(ours)
    return Row(name, ratio, min(ratios), max(ratios), tuple(seconds))


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as wide as it is; columns that begin with a number stand right."""
    table = Table(*columns, box=box.SIMPLE)
    for column, cell in zip(table.columns, rows[0], strict=True):
        column.justify = "right" if cell[:1].isdigit() else "left"
    for row in rows:
        table.add_row(*row)
    width = Console(width=10_000).measure(table).maximum
    print(title)
    Console(width=width, highlight=False).print(table)


RATIO = ("time / netspec's", "by round")
"""The columns of the ratio of the medians, and of the range of the ratios of single rounds."""


def show_seconds(title: str, rows: Sequence[Row]) -> None:
    """Print the ratios to netspec's time and the seconds of every side."""
    columns = (*RATIO, "program", "seconds", "lowest", "highest")
    cells = [
        (
            *ratio_cells(row),
            row.name,
            f"{row.median:.3f}",
            f"{min(row.seconds):.3f}",
            f"{max(row.seconds):.3f}",
        )
        for row in rows
    ]
    show(title, columns, cells)


def ratio_cells(row: Row) -> tuple[str, str]:
    """The cells of the columns RATIO."""
    return f"{row.ratio:.2f}x", f"{row.lowest:.2f}-{row.highest:.2f}"


def write_json(
    given: argparse.Namespace, benchmark: str, results: Sequence[Mapping[str, Any]], **about: str
) -> None:
    """Write the results, if it was asked for, with what they were taken on."""
    if given.json is None:
        return
    data = {"benchmark": benchmark, **about, "quick": given.quick}
    data |= {"machine": machine(), "versions": versions(), "results": list(results)}
    given.json.parent.mkdir(parents=True, exist_ok=True)
    given.json.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")


def versions() -> dict[str, str | None]:
    """The versions of Python, netspec, NumPy and the frameworks, None where one is missing."""
    found = {"python": platform.python_version()}
    found |= {name: version(name) for name in ("netspec", "numpy")}
    return found | {name: at for row in listing() for name, at in row["versions"].items()}


def machine() -> dict[str, Any]:
    """The processor, the cores that this process may use, and how busy others kept them."""
    return {
        "system": platform.platform(),
        "cpu": _cpu(),
        "cores": _cores(),
        "load_before": list(LOAD_BEFORE),
    }


def _cores() -> int | None:
    """Fewer than the machine has where the process is bound to some; macOS does not tell."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


def _cpu() -> str:
    """The processor's name, which Linux tells in a file only."""
    about = Path("/proc/cpuinfo")
    lines = about.read_text(encoding="utf-8").splitlines() if about.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
