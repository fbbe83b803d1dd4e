"""How many images a second does each form of the network classify?"""

from __future__ import annotations

import os
from argparse import Namespace
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache, partial
from multiprocessing import get_context
from statistics import median
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from benchmarks.classifiers import EAGER, MODELS, NETSPEC, NETWORK, Classify, Images
from benchmarks.harness import (
    RATIO,
    Row,
    Table,
    alternated,
    installed,
    parser,
    ratio_cells,
    rows,
    show,
    write_json,
)
from benchmarks.limits import Reached, prediction_table, product_rate

SIZES = (1, 32, 256)
TOLERANCE = 1e-5
PRODUCTS, SIDE, QUICK_SIDE = "matrix products", 2048, 64

# What follows, down to the tables, runs in the process of a model.


@cache
def _classify(name: str) -> Classify:
    return MODELS[name][1]()


def _images(count: int) -> Images:
    return np.random.default_rng(0).random((count, *NETWORK.graph.input_shape), np.float32)


def probabilities(name: str) -> Images:
    """The predictions of a model for some images."""
    return _classify(name)(_images(100))


def seconds_a_batch(name: str, size: int, duration: float) -> float:
    """The mean over as many calls as fit into a duration in seconds."""
    classify, images = _classify(name), _images(size)
    classify(images)  # after the other models' turns, the caches are cold
    calls, began = 0, perf_counter()
    while (passed := perf_counter() - began) < duration:
        classify(images)
        calls += 1
    return passed / calls


def seconds_an_operation(side: int) -> float:
    """What an operation of matrix products takes on all cores."""
    return 1 / product_rate("fp32", side, "cpu")


Processes: TypeAlias = dict[str, ProcessPoolExecutor]

Seconds: TypeAlias = dict[str, list[float]]
"""The seconds of a call of every model in every round, and of an operation under PRODUCTS."""


def processes(stack: ExitStack) -> Processes:
    """A process for every side: the frameworks' thread pools would disturb each other in one."""
    os.environ["CUDA_VISIBLE_DEVICES"] = ""  # Keras would take a GPU, the others would not
    start = partial(ProcessPoolExecutor, 1, mp_context=get_context("spawn"))
    sides = {name: (module, start) for name, (module, _) in MODELS.items()}
    models = installed(sides | {PRODUCTS: ("torch", start)})
    return {name: stack.enter_context(executor) for name, executor in models.items()}


def check(workers: Processes) -> None:
    """Stop where the models do not compute the same."""
    models = [name for name in workers if name in MODELS]
    outputs = [workers[name].submit(probabilities, name).result() for name in models]
    difference = max(float(np.abs(other - outputs[0]).max()) for other in outputs)
    if difference > TOLERANCE:
        raise SystemExit(f"the models differ by {difference:.1e}")


def measure(workers: Processes, size: int, arguments: Namespace) -> Seconds:
    side, rounds, duration = (
        (QUICK_SIDE, 1, 0.05) if arguments.quick else (SIDE, arguments.rounds, 1.0)
    )

    def seconds(name: str) -> float:
        if name == PRODUCTS:
            return workers[name].submit(seconds_an_operation, side).result()
        return workers[name].submit(seconds_a_batch, name, size, duration).result()

    return alternated({name: partial(seconds, name) for name in workers}, rounds)


def table(size: int, seconds: Seconds) -> Table:
    columns = (*RATIO, "model", "images/s", "lowest", "highest")
    title = f"Classification on the CPU, {size} image{'s' * (size > 1)} a call"
    return Table(title, columns, tuple(cells(size, row) for row in models(seconds)))


def cells(size: int, row: Row) -> tuple[str, ...]:
    durations = (row.median, max(row.seconds), min(row.seconds))
    return (*ratio_cells(row), row.name, *(f"{size / duration:,.0f}" for duration in durations))


def models(seconds: Seconds) -> list[Row]:
    """The rows of the models."""
    return rows({name: durations for name, durations in seconds.items() if name in MODELS})


def limits_table(measured: dict[int, Seconds]) -> Table:
    """The limits of the arithmetic; see `prediction_table`."""
    reached = {
        size: Reached(
            operations=1 / median(seconds[PRODUCTS]),
            netspec=size / median(seconds[NETSPEC]),
            eager=size / median(seconds[EAGER]),
        )
        for size, seconds in measured.items()
    }
    return prediction_table(NETWORK, reached)


def to_json(size: int, seconds: Seconds) -> list[dict[str, Any]]:
    """Every result of a batch size as JSON data."""
    results = [
        {"batch": size, "images_per_second": size / row.median} | row.to_json()
        for row in models(seconds)
    ]
    if PRODUCTS in seconds:
        rates = [1 / duration for duration in seconds[PRODUCTS]]
        about = {"batch": size, "name": PRODUCTS, "operations_per_second": median(rates)}
        results.append(about | {"rates": rates})
    return results


def main() -> None:
    arguments = parser(__doc__, rounds=7).parse_args()
    with ExitStack() as stack:
        workers = processes(stack)
        check(workers)
        measured = {size: measure(workers, size, arguments) for size in SIZES}

    tables = [table(size, seconds) for size, seconds in measured.items()]
    if PRODUCTS in workers:  # and with PyTorch the model that runs in it
        tables.append(limits_table(measured))
    show(*tables)
    results = [row for size, seconds in measured.items() for row in to_json(size, seconds)]
    write_json(arguments, "inference", tables, results)


if __name__ == "__main__":
    main()
