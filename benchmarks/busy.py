"""Does netspec choose its threads as well as a user who knows how busy the machine is?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import Any

import numpy as np

from benchmarks.harness import ROOT, Program, Table, parser, show, write_json
from netspec.backend import Target, find_training
from netspec.cores import allowed_cores
from netspec.data import Examples
from netspec.data import load as load_data
from netspec.network import Network, load
from netspec.numerics.initial import initial
from netspec.runs.training import training_threads

SPECS = ("digits_cnn", "mnist_cnn")
BACKENDS = ("torch", "keras")
BUSY = (0, 2, 8)
STEPS, SECONDS = 15, 3.0
"""Steps are measured this many at a time, until as much time has passed."""

ROUNDS = 3
BATCH = 32

COLUMNS = ("time / best", "backend", "network", "busy", "threads", "ms a step", "by hand", "ms")


def main() -> None:
    options = parser(__doc__, ROUNDS)
    names = ("BACKEND", "SPEC", "BUSY")
    options.add_argument("--steps-of", nargs=3, metavar=names, help="one measurement")
    arguments = options.parse_args()
    if arguments.steps_of:
        backend, spec, busy = arguments.steps_of
        print_seconds(backend, spec, int(busy), quick=arguments.quick)
        return
    rounds = 1 if arguments.quick else arguments.rounds
    results: list[dict[str, Any]] = []
    for backend in BACKENDS:
        for spec in SPECS:
            for busy in (0, 2) if arguments.quick else BUSY:
                results.append(compared(backend, spec, busy, rounds, arguments.quick))
                print(*cells(results[-1]), flush=True)
    title = "Steps of training beside busy processes: netspec's threads and the best fixed number"
    table = Table(title, COLUMNS, tuple(map(cells, results)))
    show(table)
    write_json(arguments, "busy", [table], results)


def compared(backend: str, spec: str, busy: int, rounds: int, quick: bool) -> dict[str, Any]:
    """The seconds of a step with netspec's threads and with every number of them, by round."""
    counts = [None, *range(1, allowed_cores() + 1)]
    seconds: dict[int | None, list[float]] = {count: [] for count in counts}
    threads = set[int]()
    for number in range(rounds):
        for count in counts[:: -1 if number % 2 else 1]:
            durations, used = step_seconds(backend, spec, busy, count, quick)
            seconds[count].append(durations)
            if count is None:
                threads.add(used)
    medians = {count: median(durations) for count, durations in seconds.items()}
    best = min(range(1, allowed_cores() + 1), key=lambda count: medians[count])
    return {
        "backend": backend,
        "network": spec,
        "busy": busy,
        "ratio": medians[None] / medians[best],
        "threads": sorted(threads),
        "best_threads": best,
        "seconds": {str(count or "netspec"): durations for count, durations in seconds.items()},
    }


def cells(result: dict[str, Any]) -> tuple[str, ...]:
    best = result["best_threads"]
    shown = [1000 * median(result["seconds"][str(name)]) for name in ("netspec", best)]
    return (
        f"{result['ratio']:.2f}x",
        result["backend"],
        result["network"],
        str(result["busy"]),
        ", ".join(map(str, result["threads"])),
        f"{shown[0]:.2f}",
        str(best),
        f"{shown[1]:.2f}",
    )


def step_seconds(
    backend: str, spec: str, busy: int, threads: int | None, quick: bool
) -> tuple[float, int]:
    """The seconds of a step and the threads, measured in a separate process."""
    command = [sys.executable, "-m", "benchmarks.busy", "--steps-of", backend, spec, str(busy)]
    setting = {} if threads is None else {"OMP_NUM_THREADS": str(threads)}
    program = Program(*command, *(["--quick"] if quick else []), **setting)
    *_, seconds, used = program.output().split()
    return float(seconds), int(used)


def print_seconds(backend: str, spec: str, busy: int, *, quick: bool) -> None:
    """Print the seconds of a step as `netspec train` takes it, and its threads."""
    network = load(ROOT / "specs" / f"{spec}.yaml")
    target, examples = find_training(backend), load_data(network).train
    target.model(network, initial(network.graph, 0))  # loads the framework on an idle machine
    with busy_processes(busy):
        seconds, threads = measured(network, target, examples, 0.0 if quick else SECONDS)
    print(seconds, threads or 0)


def measured(
    network: Network, target: Target, examples: Examples, least: float
) -> tuple[float, int | None]:
    """The seconds of a step, measured for `least` seconds, and the threads that it took."""
    threads = training_threads(network, target)
    weights = initial(network.graph, 0)
    trainer = target.trainer(network, weights, examples, "cpu", threads)
    order, rates = np.arange(STEPS * BATCH), np.full(STEPS, 1e-3, np.float32)

    def take_steps() -> None:
        for _ in trainer.epoch(order, BATCH, rates, 0):
            pass

    take_steps()  # to warm up
    start, rounds = perf_counter(), 0
    while not rounds or perf_counter() - start < least:
        take_steps()
        rounds += 1
    return (perf_counter() - start) / (rounds * STEPS), trainer.threads


@contextmanager
def busy_processes(count: int) -> Generator[None]:
    """Processes that compute without end, each in a separate session, as of other users."""
    # They end with this process, also where it is killed.
    work = "import os\nparent = os.getppid()\nwhile os.getppid() == parent: pass"
    command = [sys.executable, "-c", work]
    processes = [subprocess.Popen(command, start_new_session=True) for _ in range(count)]
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.wait()


if __name__ == "__main__":
    main()
