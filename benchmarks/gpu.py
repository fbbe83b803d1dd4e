"""How fast does the tutorial's network train on a GPU, and how far is that from what it can do?

Each part runs in a separate process and writes its results as soon as it has some.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import steps, time_to_99, training
from benchmarks.harness import (
    SPEC,
    Row,
    Table,
    alternated,
    compare,
    parser,
    rows,
    seconds_table,
    show,
    timed,
    write_json,
)
from benchmarks.limits import copy_rate, product_rate, training_operations, training_traffic
from netspec.backend import Trainer, find_training
from netspec.data import Dataset, epoch_order, load, mask_seed
from netspec.network import Network
from netspec.network import load as load_network
from netspec.numerics.initial import initial

SIDE, BYTES = 8192, 1 << 30
QUICK_SIDE, QUICK_BYTES = 64, 1 << 16
SIZES = (32, 64, 128, 256, 512, 1024, 2048, 4096)
QUICK_SIZES = (32, 64)
ROUNDS = {"epochs": 2, "batches": 3, "time_to_99": 5, "processes": 3}
STEPS, PLAIN_STEPS, QUICK_STEPS = 400, 100, 4
QUICK_IMAGES = 160
SEED = 0

LIMITS = "What the hardware can do, and netspec's training beside it: batches of {} images on {}"
LIMIT_COLUMNS = (
    "netspec's share",
    "measured",
    "reaches",
    "of which an image needs",
    "images/s at most",
)
NETSPEC, PLAIN, COMPILED = "netspec, torch", "PyTorch with DataLoader", "the same, torch.compile"

Options = argparse.Namespace


def limits(device: str, quick: bool) -> dict[str, float]:
    """What the device reaches: operations a second by kind of product, and bytes a second."""
    side, size = (QUICK_SIDE, QUICK_BYTES) if quick else (SIDE, BYTES)
    rates = {kind: product_rate(kind, side, device) for kind in ("fp32", "TF32", "bf16")}
    return rates | {"copy": copy_rate(size, device)}


def image_limits(rates: Mapping[str, float], batch: int) -> dict[str, float]:
    """Images a second at most, by what limits them."""
    graph = load_network(SPEC).graph
    needs = {"copy": training_traffic(graph, batch)}
    return {
        kind: rate / needs.get(kind, training_operations(graph)) for kind, rate in rates.items()
    }


def limits_table(
    rates: Mapping[str, float], images_per_second: float, batch: int = 32, device: str = "cpu"
) -> Table:
    """The limits beside the images a second of netspec's training."""
    graph = load_network(SPEC).graph
    needs = {"copy": (training_traffic(graph, batch) / 1e6, "MB")}
    cells: list[tuple[str, ...]] = []
    for kind, most in image_limits(rates, batch).items():
        need, unit = needs.get(kind, (training_operations(graph) / 1e6, "Mflop"))
        name = "copies in memory" if kind == "copy" else f"matrix products, {kind}"
        reaches = f"{rates[kind] / 1e12:.2f} T{unit.removeprefix('M')}/s"
        share = f"{images_per_second / most:.2%}"
        cells.append((share, name, reaches, f"{need:.2f} {unit}", f"{most:,.0f}"))
    return Table(LIMITS.format(batch, device), LIMIT_COLUMNS, tuple(cells))


def tutorial(options: Options) -> tuple[Network, Dataset]:
    """The tutorial's network and its data, as a training of many epochs."""
    network = load_network(SPEC)
    dataset = load(network)
    assert network.spec.train
    long = network.spec.train.model_copy(update={"epochs": 100})
    network = replace(network, spec=network.spec.model_copy(update={"train": long}))
    if options.quick:
        dataset = replace(dataset, train=dataset.train[slice(QUICK_IMAGES)])
    return network, dataset


def new_trainer(network: Network, dataset: Dataset, device: str) -> Trainer:
    weights = initial(network.graph, SEED)
    return find_training("torch").trainer(network, weights, dataset.train, device)


def train_steps(trainer: Trainer, images: int, batch: int, steps: int, epoch: int) -> None:
    """Take so many steps, in as many orders of the images as they need."""
    orders = -(-steps * batch // images)
    order = np.concatenate([epoch_order(images, SEED, epoch + more) for more in range(orders)])
    rates = np.full(steps, 1e-3, np.float32)
    for _ in trainer.epoch(order[: steps * batch], batch, rates, mask_seed(SEED, epoch)):
        pass


def plain_loop(options: Options, batch: int, *, compiled: bool) -> Callable[[int | None], float]:
    """The hand-written loop: a function of the number of steps, None being an epoch."""
    from benchmarks.by_hand.torch_tutorial import Training, load_data

    (images, labels), _ = load_data()
    images = images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    most = QUICK_IMAGES if options.quick else len(images)
    loop = Training(images[:most], labels[:most], batch, options.device, compiled=compiled)
    loop.epoch(3)  # in which torch.compile compiles
    return loop.epoch


def peers(options: Options, batch: int) -> dict[str, Callable[[int | None], float]]:
    """The hand-written loops. torch.compile may miss a compiler: it is then left out by name."""
    loops = {PLAIN: plain_loop(options, batch, compiled=False)}
    try:
        loops[COMPILED] = plain_loop(options, batch, compiled=True)
    except Exception as error:  # noqa: BLE001 - its errors share no class
        print(f"left out: {COMPILED}, for {str(error).strip().partition(chr(10))[0][:200]}")
    return loops


def epochs(options: Options) -> None:
    """Five epochs of the tutorial, from new weights to the last reported loss."""
    network, dataset = tutorial(options)
    images, batch = len(dataset.train), steps.BATCH
    number = 1 if options.quick else 5
    device = new_trainer(network, dataset, options.device).device

    def ours() -> Callable[[], float]:
        trainer = new_trainer(network, dataset, options.device)

        def train() -> None:
            for epoch in range(number):
                train_steps(trainer, images, batch, -(-images // batch), epoch)

        return timed(train)

    def five(epoch: Callable[[int | None], float]) -> None:
        for _ in range(number):
            epoch(None)

    sides = {NETSPEC: lambda: ours()()}
    sides |= {name: timed(partial(five, epoch)) for name, epoch in peers(options, batch).items()}
    measured = compare(sides, 1 if options.quick else ROUNDS["epochs"], warm=False)
    title = f"{number} epochs of the tutorial in batches of {batch} on {device}"
    tables = [seconds_table(title, measured, images=number * images)]
    show(*tables)
    write_json(options, "gpu_epochs", tables, [row.to_json() for row in measured], device=device)


BATCH_COLUMNS = (
    "loop's time / netspec's",
    "torch.compile's",
    "batch",
    "netspec, images/s",
    "loop, images/s",
    "torch.compile, images/s",
    "of the limit in fp32",
)


def batches(options: Options) -> None:
    """Images a second by batch size, beside the limits of the hardware."""
    rates = limits(options.device, options.quick)
    network, dataset = tutorial(options)
    cells: list[tuple[str, ...]] = []
    results: list[dict[str, Any]] = [{"limits": rates}]
    for batch in QUICK_SIZES if options.quick else SIZES:
        measured, device = batch_rows(options, network, dataset, batch)
        speeds = {row.name: 1 / row.median for row in measured}
        most = min(image_limits(rates, batch)[kind] for kind in ("fp32", "copy"))
        cells.append(batch_cells(batch, speeds, speeds[NETSPEC] / most))
        results += [row.to_json() | {"batch": batch, "limit": most} for row in measured]
        title = f"Images a second by batch size on {device}"
        tables = [Table(title, BATCH_COLUMNS, tuple(cells))]
        tables.append(limits_table(rates, speeds[NETSPEC], batch, device))
        # The results until now, in case the rest does not end.
        write_json(options, "gpu_batches", tables, results, device=device)
        show(Table(title, BATCH_COLUMNS, (cells[-1],)))
    show(*tables)


def batch_rows(
    options: Options, network: Network, dataset: Dataset, batch: int
) -> tuple[list[Row], str]:
    """The seconds of an image, by side and round, and the device."""
    images = len(dataset.train)
    trainer = new_trainer(network, dataset, options.device)
    counts = dict.fromkeys((PLAIN, COMPILED), min(PLAIN_STEPS, max(1, images // batch)))
    counts[NETSPEC] = STEPS
    if options.quick:
        counts = dict.fromkeys(counts, QUICK_STEPS)
    epoch = count()
    sides = {
        NETSPEC: timed(lambda: train_steps(trainer, images, batch, counts[NETSPEC], next(epoch)))
    }
    loops = peers(options, batch)
    sides |= {name: timed(partial(loop, counts[name])) for name, loop in loops.items()}
    number = 1 if options.quick else ROUNDS["batches"]
    seconds = alternated(sides, number)
    by_image = {name: [value / (counts[name] * batch) for value in seconds[name]] for name in sides}
    return rows(by_image), trainer.device


def batch_cells(batch: int, speeds: Mapping[str, float], share: float) -> tuple[str, ...]:
    def ratio(name: str) -> str:
        return f"{speeds[NETSPEC] / speeds[name]:.2f}x" if name in speeds else "-"

    def speed(name: str) -> str:
        return f"{speeds[name]:,.0f}" if name in speeds else "-"

    shown = (speed(name) for name in (NETSPEC, PLAIN, COMPILED))
    return (ratio(PLAIN), ratio(COMPILED), f"{batch:,}", *shown, f"{share:.2%}")


def seeds(options: Options) -> None:
    """`specs/mnist_fast.yaml` to 99% over seeds, whole processes."""
    number = 1 if options.quick else ROUNDS["time_to_99"]
    tables, results = time_to_99.measured("torch", number, options.quick, options.device)
    tables = [replace(table, title=f"{table.title}, on {name_of(options)}") for table in tables]
    show(*tables)
    write_json(options, "gpu_time_to_99", tables, results, device=name_of(options))


def processes(options: Options) -> None:
    """Whole processes of an epoch and its test."""
    number = 1 if options.quick else ROUNDS["processes"]
    tables, results = training.measured("torch", number, options.quick, options.device)
    tables = [replace(table, title=f"{table.title}, on {name_of(options)}") for table in tables]
    show(*tables)
    write_json(options, "gpu_processes", tables, results, device=name_of(options))


def keras(options: Options) -> None:
    """The same with Keras, where TensorFlow is there and sees the GPU."""
    import tensorflow as tf

    if options.device != "cpu" and not tf.config.list_physical_devices("GPU"):
        print("left out: keras, for TensorFlow sees no GPU")
        return
    number = 1 if options.quick else ROUNDS["processes"]
    tables, results = training.measured("keras", number, options.quick, options.device)
    tables = [replace(table, title=f"{table.title}, on {name_of(options)}") for table in tables]
    show(*tables)
    write_json(options, "gpu_keras", tables, results, device=name_of(options))


def tests(options: Options) -> None:
    """What became of the GPU tests, from the lines that they wrote."""
    if options.lines is None or not options.lines.exists():
        print("left out: tests, for they wrote no results")
        return
    lines = options.lines.read_text(encoding="utf-8").splitlines()
    results = [json.loads(line) for line in lines]
    outcomes = Counter(result["outcome"] for result in results)
    names = ("passed", "failed", "skipped")
    count_cells = (*(f"{outcomes[name]:,}" for name in names),)
    tables = [Table(f"GPU tests on {name_of(options)}", names, (count_cells,))]
    reasons = Counter(
        (result["outcome"], result["test"].partition("[")[0], result["reason"])
        for result in results
        if result["outcome"] != "passed"
    )
    if reasons:
        cells = tuple(
            (f"{number:,}", outcome, test.rpartition("/")[2], reason.replace("|", "/"))
            for (outcome, test, reason), number in sorted(reasons.items())
        )
        columns = ("cases", "outcome", "test", "reason")
        tables.append(Table("GPU tests that did not pass", columns, cells))
    show(*tables)
    write_json(options, "gpu_tests", tables, results, device=name_of(options))


def name_of(options: Options) -> str:
    """The device as results name it."""
    if find_spec("torch") is None or options.device == "cpu":
        return "cpu"
    import torch

    return f"cuda ({torch.cuda.get_device_name()})"


PARTS: dict[str, tuple[str, Callable[[Options], None]]] = {
    "epochs": ("torch", epochs),
    "batches": ("torch", batches),
    "time_to_99": ("torch", seeds),
    "processes": ("torch", processes),
    "keras": ("keras", keras),
    "tests": ("torch", tests),
}
"""Every part: the framework that it needs, and what it does."""


def run_part(name: str, options: Options) -> None:
    module, part = PARTS[name]
    needed = (module, "tensorflow") if module == "keras" else (module,)
    missing = [module for module in needed if find_spec(module) is None]
    if missing:
        print(f"left out: {name}, for {missing[0]} is not installed")
        return
    part(options)


def main() -> None:
    command_line = parser(__doc__)
    command_line.add_argument("part", nargs="?", choices=PARTS, help="by default all but tests")
    command_line.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    command_line.add_argument("--lines", type=Path, help="what the GPU tests wrote, for tests")
    options = command_line.parse_args()
    if find_spec("torch") is None:
        print("PyTorch is not installed, and nothing is measured")
        return
    import torch

    if options.device == "cuda" and not torch.cuda.is_available():
        print("PyTorch sees no GPU, and nothing is measured")
        return
    if options.part:
        try:
            run_part(options.part, options)
        except KeyboardInterrupt:
            raise SystemExit("stopped; what was written before stays") from None
        return
    # A process for each: the GPU's memory is then the next one's.
    for name in PARTS:
        if name != "tests":
            subprocess.run(
                [sys.executable, "-m", "benchmarks.gpu", name, *sys.argv[1:]], check=False
            )


if __name__ == "__main__":
    main()
