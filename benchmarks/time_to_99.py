"""How long does it take until 99% of MNIST's test images are right?

The tutorial's spec trains for its five epochs. Both are tested at their end, and every round has a
separate seed.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.harness import (
    NETSPEC,
    ROOT,
    SPEC,
    Program,
    Row,
    Table,
    alternated,
    parser,
    ratio_cells,
    rows,
    show,
    write_json,
)
from netspec.api import run as newest_run

SPECS = {"mnist_fast": ROOT / "specs" / "mnist_fast.yaml", "mnist_cnn": SPEC}
QUICK_SPEC = ROOT / "specs" / "digits_cnn.yaml"


class Training:
    """A side that is `netspec train`; it keeps what the runs say of themselves."""

    def __init__(self, spec: Path, backend: str, runs: Path, *more: str) -> None:
        self._command = (*NETSPEC, "train", spec, "--backend", backend, "--runs", runs, *more)
        self._runs = runs
        self.in_epochs: list[float] = []
        self.accuracy: list[float] = []

    def __call__(self) -> float:
        seconds = Program(*self._command, "--seed", str(len(self.accuracy)))()
        *epochs, test = newest_run(runs=self._runs).history
        self.in_epochs.append(sum(_number(record["seconds"]) for record in epochs))
        self.accuracy.append(_number(test["test_accuracy"]))
        return seconds


def _number(figure: Any) -> float:
    assert isinstance(figure, float)
    return figure


def table(title: str, rows: list[Row], sides: dict[str, Training]) -> Table:
    columns = ("time / mnist_fast's", "by round", "spec", "seconds", "lowest accuracy", "highest")
    cells = [
        (
            *ratio_cells(row),
            row.name,
            f"{row.median:.2f}",
            f"{min(sides[row.name].accuracy):.2%}",
            f"{max(sides[row.name].accuracy):.2%}",
        )
        for row in rows
    ]
    return Table(title, columns, tuple(cells))


def measured(
    backend: str, rounds: int, quick: bool, device: str = "auto"
) -> tuple[list[Table], list[dict[str, Any]]]:
    """Whole processes, and only their epochs: tables and results."""
    with TemporaryDirectory() as folder:
        sides = {name: _training(name, backend, Path(folder), quick, device) for name in SPECS}
        whole = rows(alternated(sides, rounds, warm=False))
    in_epochs = rows({name: side.in_epochs for name, side in sides.items()})
    tables = [
        table(f"Training to 99% with {backend}: the whole process", whole, sides),
        table(f"Training to 99% with {backend}: only its epochs", in_epochs, sides),
    ]
    results = [
        row.to_json() | {"of": of, "accuracy": sides[row.name].accuracy}
        for of, rows_of in (("process", whole), ("epochs", in_epochs))
        for row in rows_of
    ]
    return tables, results


def _training(name: str, backend: str, folder: Path, quick: bool, device: str) -> Training:
    more = ("--device", device)
    if quick:
        return Training(QUICK_SPEC, backend, folder / name, *more, "--epochs", "1")
    return Training(SPECS[name], backend, folder / name, *more)


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("backend", choices=("keras", "torch"))
    arguments = options.parse_args()
    tables, results = measured(
        arguments.backend, 1 if arguments.quick else arguments.rounds, arguments.quick
    )
    show(*tables)
    write_json(arguments, f"time_to_99_{arguments.backend}", tables, results)


if __name__ == "__main__":
    main()
