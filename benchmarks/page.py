"""Writes docs/benchmarks.md from the figures in benchmarks/results/."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from benchmarks.harness import RESULTS, ROOT, Table, numeric

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

`make bench` takes these figures and writes this page from them. What each compares is said in
[benchmarks](../benchmarks/README.md); `benchmarks/results/` holds every round. The first figure of
a line is a ratio: how many times the time of the table's first line this one took. Where that is
netspec's and the figure is above 1, netspec is faster. Beside it stand the lowest and the highest
of that ratio in a round. Where a table says what a machine can do at the most, its first figure is
the part of that which netspec reaches. `make gpu` measures the tables that name a GPU.
"""

Result = dict[str, Any]
"""What a benchmark wrote."""


def document() -> str:
    """The page of all results, question by question."""
    paths = sorted(RESULTS.glob("*.json"))
    results: list[Result] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    questions = groupby(sorted(results, key=_question), _question)
    machines = groupby(sorted(results, key=_machine), _machine)
    sections = [_section(question, each) for question, each in questions]
    measured = [_measured_on(machine, each) for machine, each in machines]
    return "\n".join([HEAD, *sections, "## Measured on\n", *measured])


def _question(result: Result) -> str:
    return result["question"]


def _section(question: str, results: Iterable[Result]) -> str:
    """What benchmarks found that answer a question."""
    tables = [
        Table(each["title"], each["columns"], each["rows"])
        for result in results
        for each in result["tables"]
    ]
    return "\n".join([f"## {question}\n", *map(_written, tables)])


def _written(table: Table) -> str:
    rules = ["--:" if right else "---" for right in numeric(table)]
    lines = [_line(table.columns), _line(rules), *map(_line, table.rows)]
    return "\n".join([f"{table.title}:\n", *lines, ""])


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _measured_on(machine: str, results: Iterable[Result]) -> str:
    return f"{machine}: {', '.join(result['benchmark'] for result in results)}.\n"


def _machine(result: Result) -> str:
    """The hardware and the versions that a benchmark ran on."""
    about, versions = result["machine"], result["versions"]
    there = [f"{name} {at}" for name, at in versions.items() if at]
    processor = f"{about['cores']} cores of {about['cpu']}"
    gpu = f", {about['gpu']}" if about["gpu"] else ""
    return f"{processor}{gpu}, {about['system']}; {', '.join(there)}"


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}")
