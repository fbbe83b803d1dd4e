"""How long does a user wait for the help and for the parameter table?"""

from __future__ import annotations

import sys
from functools import partial

from benchmarks.harness import (
    NETSPEC,
    SPEC,
    Program,
    Table,
    alternated,
    by_hand,
    installed,
    parser,
    rows,
    seconds_table,
    show,
    write_json,
)

IMPORT = 'python -c "import keras"'
HELP = "netspec --help"
SUMMARY = "netspec summary specs/mnist_cnn.yaml"

SIDES = {
    HELP: ("netspec", partial(Program, *NETSPEC, "--help")),
    SUMMARY: ("netspec", partial(Program, *NETSPEC, "summary", SPEC)),
    IMPORT: ("keras", partial(Program, sys.executable, "-c", "import keras")),
    "model.summary() of Keras": ("keras", partial(by_hand, "keras_summary")),
    "torchinfo": ("torchinfo", partial(by_hand, "torchinfo_summary")),
}


def tables(seconds: dict[str, list[float]]) -> list[Table]:
    """The help compared with the import, and the table compared with the other tables."""
    beside_help = {name: seconds[name] for name in (HELP, IMPORT) if name in seconds}
    beside_summary = {name: durations for name, durations in seconds.items() if name != HELP}
    return [
        seconds_table("The help, from the start of a process to its end", rows(beside_help)),
        seconds_table("The parameter table, likewise", rows(beside_summary)),
    ]


def main() -> None:
    arguments = parser(__doc__, rounds=9).parse_args()
    rounds = 1 if arguments.quick else arguments.rounds
    seconds = alternated(installed(SIDES), rounds, warm=not arguments.quick)
    shown = tables(seconds)
    show(*shown)
    write_json(arguments, "start", shown, [row.to_json() for row in rows(seconds)])


if __name__ == "__main__":
    main()
