"""How good the tutorial's network gets on each backend, and how closely its ONNX file follows."""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.harness import NETSPEC, ROOT, SPEC, Table, parser, show, write_json
from netspec.api import run as newest_run
from netspec.backend import Device, find, find_exporting
from netspec.data import load
from netspec.runs.folder import Run

TITLE = "Test accuracy of the tutorial's network"
COLUMNS = ("backend", "seed", "accuracy", "in ONNX", "same class", "difference", "by hand")
BACKENDS = ("keras", "torch")
EPOCHS = 5
QUICK_IMAGES = 3000
QUICK_SPLIT = "train.validation_split=0.95"  # which leaves as many for training


@dataclass(frozen=True)
class Result:
    """One training, tested by its backend and by ONNX Runtime on the same images.

    `same` counts the images for which both predict the same class, `difference` is the largest
    difference of any probability, `by_hand` the accuracy of the hand-written program with this
    seed.
    """

    backend: str
    seed: int
    accuracy: float
    onnx_accuracy: float
    images: int
    same: int
    difference: float
    by_hand: float | None


def netspec(*arguments: str | Path) -> None:
    """Run a command of netspec's, which prints to the terminal."""
    subprocess.run([*NETSPEC, *arguments], check=True)


def trained(backend: str, seed: int, options: argparse.Namespace) -> Run:
    """A new run, tested and exported, from the command line."""
    folder = options.runs / f"{backend}-seed-{seed}"
    quick = ("--epochs", "1", "--set", QUICK_SPLIT) if options.quick else ("--epochs", str(EPOCHS))
    chosen = ("--backend", backend, "--seed", str(seed), "--device", options.device)
    netspec("train", SPEC, *chosen, *quick, "--runs", folder)
    netspec("evaluate", "--device", options.device, "--runs", folder)
    netspec("export", "--onnx", "--runs", folder)
    return newest_run(runs=folder)


def trained_by_hand(backend: str, seed: int, options: argparse.Namespace) -> float:
    """The test accuracy that the hand-written program prints."""
    program = [sys.executable, "-m", f"benchmarks.by_hand.{backend}_tutorial"]
    quick = ["--epochs", "1", "--images", str(QUICK_IMAGES)]
    seeded = ["--seed", str(seed), *(quick if options.quick else ["--epochs", str(EPOCHS)])]
    process = subprocess.run(program + seeded, check=True, cwd=ROOT, stdout=subprocess.PIPE)
    return float(process.stdout.split()[-1])


def compared(run: Run, device: Device, by_hand: float | None) -> Result:
    """The test of a run's exported file against the run's backend, image by image."""
    network = run.network
    test = load(network).test
    ours = find(run.backend).predictor(network, run.weights(), device).predict(*test.values())
    exported = find_exporting("onnx").open((run.path / "model.onnx").read_bytes(), device)
    theirs = exported.predict(*test.values())
    classes, onnx_classes = ours.argmax(-1), theirs.argmax(-1)
    return Result(
        run.backend,
        run.about.seed,
        accuracy=float((classes == test.targets[0]).mean()),
        onnx_accuracy=float((onnx_classes == test.targets[0]).mean()),
        images=len(test),
        same=int((classes == onnx_classes).sum()),
        difference=float(np.abs(ours - theirs).max()),
        by_hand=by_hand,
    )


def cells(result: Result) -> tuple[str, ...]:
    return (
        result.backend,
        str(result.seed),
        f"{result.accuracy:.2%}",
        f"{result.onnx_accuracy:.2%}",
        f"{result.same:,} of {result.images:,}",
        f"{result.difference:.1e}",
        "-" if result.by_hand is None else f"{result.by_hand:.2%}",
    )


def arguments() -> argparse.Namespace:
    options = parser(__doc__)
    options.add_argument("--runs", type=Path, default=Path("runs/accuracy"), metavar="DIR")
    options.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    options.add_argument("--device", default="auto")
    options.add_argument("--by-hand", action="store_true", help="train those programs too")
    return options.parse_args()


def main() -> None:
    options = arguments()
    results: list[Result] = []
    for seed in options.seeds[:1] if options.quick else options.seeds:
        for backend in BACKENDS:
            run = trained(backend, seed, options)
            by_hand = trained_by_hand(backend, seed, options) if options.by_hand else None
            results.append(compared(run, options.device, by_hand))
            table = Table(TITLE, COLUMNS, tuple(cells(result) for result in results))
            # After every run, so that a benchmark that is stopped has written its results.
            write_json(options, "accuracy", [table], [asdict(result) for result in results])
            show(table)


if __name__ == "__main__":
    main()
