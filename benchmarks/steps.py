"""How many images a second does a training compute, once it runs?"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import count

import numpy as np

from benchmarks.harness import (
    SPEC,
    Row,
    Sides,
    Table,
    compare,
    installed,
    parser,
    seconds_table,
    show,
    timed,
    write_json,
)
from netspec.backend import Device, Trainer, find_training
from netspec.data import Dataset, epoch_order, load, mask_seed
from netspec.network import Network
from netspec.network import load as load_network
from netspec.numerics.initial import initial
from netspec.runs.training import training_threads

SEED = 0
BATCH = 32
STEPS = {"torch": 300, "keras": 1875}
"""Steps of a round: `fit` waits for its input's threads at the end of an epoch, so a whole one."""
ROUNDS = {"torch": 9, "keras": 3}
QUICK_STEPS = 5

Work = Callable[[], object]


def netspec_steps(trainer: Trainer, network: Network, images: int, steps: int) -> Work:
    """What `netspec train` computes in an epoch's first steps, each time with the next order."""
    assert network.spec.train
    rate = network.spec.train.optimizer.learning_rate
    rates = np.full(steps, rate, np.float32)
    epochs = count(1)

    def train() -> None:
        epoch = next(epochs)
        order = epoch_order(images, SEED, epoch)[: steps * BATCH]
        for _ in trainer.epoch(order, BATCH, rates, mask_seed(SEED, epoch)):
            pass

    return train


def keras_steps(steps: int) -> Work:
    from benchmarks.by_hand.keras_tutorial import compiled_model, load_data, train_epoch

    (images, labels), _ = load_data()
    images = images.reshape((-1, 28, 28, 1)).astype("float32") / 255
    count = steps * BATCH
    return partial(train_epoch, compiled_model(), images[:count], labels[:count])


def torch_steps(steps: int) -> Work:
    from benchmarks.by_hand.torch_tutorial import Training, load_data

    (images, labels), _ = load_data()
    images = images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    return partial(Training(images, labels).epoch, steps)


def lightning_steps(steps: int) -> Work:
    from benchmarks.by_hand.lightning_tutorial import Tutorial, load_data, loader, trainer

    (images, labels), _ = load_data()
    images = images.reshape((-1, 1, 28, 28)).astype("float32") / 255
    model, batches = Tutorial(), loader(images, labels, BATCH, shuffle=True)
    return lambda: trainer(1, steps).fit(model, batches)


PEERS = {
    "keras": {"Keras fit on NumPy arrays": ("keras", keras_steps)},
    "torch": {
        "PyTorch with DataLoader": ("torch", torch_steps),
        "Lightning Trainer": ("lightning", lightning_steps),
    },
}


def sides(backend: str, steps: int, dataset: Dataset, device: Device = "auto") -> tuple[Sides, str]:
    """What is compared, and the device that it runs on."""
    network = load_network(SPEC)
    weights = initial(network.graph, SEED)
    target = find_training(backend)
    threads = training_threads(network, target)
    trainer = target.trainer(network, weights, dataset.train, device, threads)
    ours = netspec_steps(trainer, network, len(dataset.train), steps)
    peers = installed(
        {name: (module, partial(make, steps)) for name, (module, make) in PEERS[backend].items()}
    )
    works = {f"netspec, {backend}": ours} | peers
    return {name: timed(work) for name, work in works.items()}, trainer.device


def measured(backend: str, steps: int, rounds: int) -> tuple[list[Row], Table, str]:
    """The rows, as results and as a table, and the device."""
    compared, device = sides(backend, steps, load(load_network(SPEC)))
    rows = compare(compared, rounds)
    title = f"Training with {backend} on {device}: {steps:,} steps of {BATCH} images a round"
    return rows, seconds_table(title, rows, images=steps * BATCH), device


def main() -> None:
    options = parser(__doc__)
    options.add_argument("backend", choices=PEERS)
    options.add_argument("--rounds", type=int, help=f"by default {ROUNDS}")
    arguments = options.parse_args()

    steps = QUICK_STEPS if arguments.quick else STEPS[arguments.backend]
    rounds = 1 if arguments.quick else arguments.rounds or ROUNDS[arguments.backend]
    rows, table, device = measured(arguments.backend, steps, rounds)
    show(table)
    results = [row.to_json() | {"images": steps * BATCH} for row in rows]
    write_json(arguments, f"steps_{arguments.backend}", [table], results, device=device)


if __name__ == "__main__":
    main()
