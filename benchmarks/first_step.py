"""How long does `netspec train` take to the end of its first step?

The program written by hand imports the framework, builds the model, loads the same data and takes a
step. The time of both ends where they print a line right after the step; then they are stopped.
"""

from __future__ import annotations

import sys
from functools import partial
from tempfile import TemporaryDirectory

from benchmarks.harness import (
    SPEC,
    Program,
    by_hand,
    compare,
    parser,
    seconds_table,
    show,
    write_json,
)

LINE = "first step"
"""What one_step.py and the programs written by hand print."""


def main() -> None:
    options = parser(__doc__, rounds=5)
    options.add_argument("backend", choices=("keras", "torch"))
    given = options.parse_args()
    rounds = 1 if given.quick else given.rounds
    with TemporaryDirectory() as folder:
        arguments = ("train", SPEC, "--backend", given.backend, "--runs", folder)
        programs = {
            f"netspec, {given.backend}": Program(
                sys.executable, "-m", "benchmarks.one_step", *arguments
            ),
            f"{given.backend} by hand": by_hand(f"{given.backend}_tutorial", "--first-step"),
        }
        sides = {name: partial(side.until, LINE) for name, side in programs.items()}
        rows = compare(sides, rounds, warm=not given.quick)
    title = f"From the start of a process to the end of its first step, with {given.backend}"
    table = seconds_table(title, rows)
    show(table)
    write_json(given, f"first_step_{given.backend}", [table], [row.to_json() for row in rows])


if __name__ == "__main__":
    main()
