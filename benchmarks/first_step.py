"""How long does `netspec train` take to the end of its first step?

The hand-written program imports the framework, builds the model, loads the same data and takes a
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
"""The line that one_step.py and the hand-written programs print."""


def main() -> None:
    options = parser(__doc__, rounds=5)
    options.add_argument("backend", choices=("keras", "torch"))
    arguments = options.parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    with TemporaryDirectory() as folder:
        command = ("train", SPEC, "--backend", arguments.backend, "--runs", folder)
        programs = {
            f"netspec, {arguments.backend}": Program(
                sys.executable, "-m", "benchmarks.one_step", *command
            ),
            f"{arguments.backend}, hand-written": by_hand(
                f"{arguments.backend}_tutorial", "--first-step"
            ),
        }
        sides = {name: partial(side.until, LINE) for name, side in programs.items()}
        rows = compare(sides, rounds, warm=not arguments.quick)
    title = f"From the start of a process to the end of its first step, with {arguments.backend}"
    table = seconds_table(title, rows)
    show(table)
    write_json(
        arguments, f"first_step_{arguments.backend}", [table], [row.to_json() for row in rows]
    )


if __name__ == "__main__":
    main()
