"""Writes docs/benchmarks.md from the results in benchmarks/results/."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import groupby
from typing import Any

from benchmarks.harness import RESULTS, ROOT, Table, numeric

PAGE = ROOT / "docs" / "benchmarks.md"

HEAD = """\
# Benchmarks

`make bench` measures these results and writes this page. [benchmarks](../benchmarks/README.md)
describes each comparison, and `benchmarks/results/` contains every round.

- The first value of a line is a ratio: the time of this line, divided by the time of the first
  line. Where the first line is netspec and the ratio is above 1, netspec is faster.
- The second value is the range of the ratio over single rounds.
- In a table of the limits of a machine, the first value is the part of the limit that netspec
  reaches.
- In the table of the quality of networks, the first value is how much better netspec is, in
  standard deviations.
- `make gpu` measures the tables that name a GPU.
"""

Result = dict[str, Any]
"""The file of a benchmark."""


def document() -> str:
    """The page of all results, question by question."""
    paths = sorted(RESULTS.glob("*.json"))
    results: list[Result] = [json.loads(path.read_text(encoding="utf-8")) for path in paths]
    questions = groupby(sorted(results, key=_question), _question)
    machines = groupby(sorted(results, key=_machine), _machine)
    sections = [_section(question, group) for question, group in questions]
    measured = [_measured_on(machine, group) for machine, group in machines]
    return "\n".join([HEAD, *sections, "## Measured on\n", *measured])


def _question(result: Result) -> str:
    return result["question"]


def _section(question: str, results: Iterable[Result]) -> str:
    """The results of the benchmarks for a question."""
    tables = [
        Table(table["title"], table["columns"], table["rows"])
        for result in results
        for table in result["tables"]
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
    there = [f"{name} {release}" for name, release in versions.items() if release]
    processor = f"{about['cores']} cores of {about['cpu']}"
    gpu = f", {about['gpu']}" if about["gpu"] else ""
    return f"{processor}{gpu}, {about['system']}; {', '.join(there)}"


if __name__ == "__main__":
    PAGE.write_text(document(), encoding="utf-8")
    print(f"Wrote {PAGE.relative_to(ROOT)}")
