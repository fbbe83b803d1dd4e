"""How long a person waits for the parameter table, from the shell."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from benchmarks.harness import NETSPEC, SPEC, compare, parser, show_seconds, timed, write_json

COMMANDS = {
    "netspec summary specs/mnist_cnn.yaml": [NETSPEC, "summary", SPEC],
    'python -c "import keras"': [sys.executable, "-c", "import keras"],
    "netspec --help": [NETSPEC, "--help"],
}


def run(command: Sequence[str | Path]) -> Callable[[], object]:
    return lambda: subprocess.run(command, check=True, capture_output=True)


def main() -> None:
    given = parser(__doc__, rounds=11).parse_args()
    rounds = 1 if given.quick else given.rounds
    rows = compare({name: timed(run(command)) for name, command in COMMANDS.items()}, rounds)
    show_seconds("A command, from its start to its end", rows)
    write_json(given, "summary", [row.to_json() for row in rows])


if __name__ == "__main__":
    main()
