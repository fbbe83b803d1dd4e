"""How long an epoch of the tutorial takes: netspec against the program written by hand."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count

import numpy as np

from benchmarks.harness import SPEC, compare, parser, show_seconds, timed, write_json
from netspec.backend import Trainer, find_training
from netspec.data import Examples, epoch_order, load, mask_seed
from netspec.graph import Network
from netspec.graph import load as load_network
from netspec.weights import initial

SEED = 0
BATCH = 32
QUICK_IMAGES = 3200


def netspec_epoch(trainer: Trainer, network: Network, images: int) -> Callable[[], object]:
    """What `netspec train` computes in an epoch, each call with the next epoch's order."""
    assert network.spec.train
    rate = network.spec.train.optimizer.learning_rate
    rates = np.full(-(-images // BATCH), rate, np.float32)
    epochs = count(1)

    def train() -> None:
        epoch = next(epochs)
        order = epoch_order(images, SEED, epoch)
        for _ in trainer.epoch(order, BATCH, rates, mask_seed(SEED, epoch)):
            pass

    return train


def keras_epoch(examples: Examples) -> Callable[[], object]:
    from benchmarks.by_hand.keras_tutorial import compiled_model, train_epoch

    model = compiled_model()
    return lambda: train_epoch(model, examples.inputs[0], examples.targets[0])


def torch_epoch(examples: Examples) -> Callable[[], object]:
    from benchmarks.by_hand.torch_tutorial import Training

    channels_first = np.ascontiguousarray(examples.inputs[0].transpose(0, 3, 1, 2))
    return Training(channels_first, examples.targets[0]).epoch


BY_HAND = {"keras": keras_epoch, "torch": torch_epoch}


def main() -> None:
    options = parser(__doc__, rounds=3)
    options.add_argument("backend", choices=BY_HAND)
    given = options.parse_args()

    network = load_network(SPEC)
    examples = load(network).train
    if given.quick:
        examples = examples[:QUICK_IMAGES]
    weights = initial(network.graph, SEED)
    trainer = find_training(given.backend).trainer(network, weights, examples, "auto")
    sides = {
        "netspec": timed(netspec_epoch(trainer, network, len(examples))),
        "by hand": timed(BY_HAND[given.backend](examples)),
    }
    rows = compare(sides, 1 if given.quick else given.rounds)

    show_seconds(f"{len(examples):,} images with {given.backend} on {trainer.device}", rows)
    results = [row.to_json() | {"images": len(examples)} for row in rows]
    write_json(given, "epoch", results, backend=given.backend, device=trainer.device)


if __name__ == "__main__":
    main()
