"""Small trainings with PyTorch whose steps can be recorded, and a recorder for a CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

pytest.importorskip("torch")

from conformance.networks import found_training
from netspec.backend import Steps
from netspec.data import Examples, epoch_order
from netspec.network import Network
from netspec.numerics.weights import Array
from netspec.testing.networks import all_random_inputs, network, random_weights
from netspec_torch.capture import Launched, Recorder

IMAGES, SIZE, EPOCHS = 30, 4, 2  # seven whole batches in an epoch, and one of two images

CHAIN = [
    "Conv2D: {filters: 4, kernel_size: 3, activation: relu}",
    "BatchNormalization: {momentum: 0.9}",
    "MaxPooling2D",
    "Flatten",
    "Dropout: {rate: 0.5}",
    "Dense: {units: 3, activation: softmax, kernel_regularizer: {l2: {l2: 0.01}}}",
]


def network_with(optimizer: str, **train: object) -> Network:
    return network((6, 6, 2), CHAIN, optimizer, **train)


def networks() -> dict[str, Network]:
    """Networks for every optimizer, and for the other parts of a step."""
    constrained = "Dense: {units: 3, activation: softmax, kernel_constraint: {max_norm: {}}}"
    ignoring = "{sparse_categorical_crossentropy: {ignore_class: 0}}"
    falling = "polynomial_decay: {initial_learning_rate: 0.05}"
    return {
        "adam": network_with("adam", metrics="[accuracy]"),
        "decaying": network_with(f"adamw: {{learning_rate: {{{falling}}}}}"),
        "clipped": network_with("sgd: {momentum: 0.9, clipnorm: 0.1}"),
        "rmsprop": network_with("rmsprop: {momentum: 0.9}", metrics="[f1_score]"),
        "nadam": network_with("nadam: {global_clipnorm: 0.1}"),
        "adamax": network_with("adamax"),
        "lion": network_with("lion: {weight_decay: 0.1}"),
        "constrained": network((4,), [constrained], "adagrad"),
        "ignoring": network_with("sgd", loss=ignoring, metrics="[accuracy]"),
        "16 bits": network_with("adam", precision="mixed_bfloat16"),
    }


def without_dropout(optimizer: str, **train: object) -> Network:
    """A network without Dropout, whose masks differ between devices."""
    layers = [layer for layer in CHAIN if "Dropout" not in layer]
    return network((6, 6, 2), layers, optimizer, **train)


class Repeated:
    """Replaces a CUDA graph on a CPU: the same tensors get new values."""

    def __init__(self) -> None:
        self.launches = 0
        self.warm_ups = 0

    def warm_up(self, compute):
        self.warm_ups += 1
        compute()

    def record(self, compute):
        figures = compute()

        def replay() -> None:
            self.launches += 1
            for old, new in zip(figures.tensors(), compute().tensors(), strict=True):
                old.copy_(new)

        return figures, replay


def recorded_by(recorder: Recorder, launches: list[Launched] | None = None) -> Callable[..., None]:
    """A function that changes a trainer: `recorder` records its steps, on any device."""

    def prepare(trainer) -> None:
        launch = Launched(trainer._updated, trainer._state, SIZE, recorder)
        trainer._launched = lambda _steps, _size: launch
        trainer._launch = launch
        if launches is not None:
            launches.append(launch)

    return prepare


def examples_of(tested: Network) -> Examples:
    (inputs,) = all_random_inputs(tested.graph, IMAGES)
    labels = np.arange(IMAGES, dtype=np.int32) % 3
    return Examples((inputs,), (labels,), np.linspace(0.5, 1.5, IMAGES, dtype=np.float32))


def trainer_of(tested: Network, device: str = "cpu"):
    backend = found_training("torch")
    return backend.trainer(tested, random_weights(tested.graph), examples_of(tested), device)


def epochs_of(trainer, epochs: int = EPOCHS, first: int = 0) -> Iterator[Steps]:
    rates = np.linspace(0.05, 0.01, -(-IMAGES // SIZE), dtype=np.float32)
    for epoch in range(first, first + epochs):
        yield from trainer.epoch(epoch_order(IMAGES, 0, epoch), SIZE, rates, epoch)


def train_network(
    tested: Network, device: str = "cpu", prepare: Callable[..., None] = lambda _trainer: None
) -> tuple[dict[str, Array], list[Steps]]:
    """The weights and the reports after some epochs. `prepare` may change the trainer."""
    trainer = trainer_of(tested, device)
    prepare(trainer)
    steps = [*epochs_of(trainer)]
    return trainer.weights(), steps


def check_same(
    actual: tuple[dict[str, Array], list[Steps]],
    other: tuple[dict[str, Array], list[Steps]],
    relative: float = 1e-5,
    absolute: float = 1e-6,
) -> None:
    """Compare the weights and the reports of two trainings."""
    (weights, steps), (expected, expected_steps) = actual, other
    for key, value in expected.items():
        np.testing.assert_allclose(weights[key], value, relative, absolute, err_msg=key)
    for report, expected_report in zip(steps, expected_steps, strict=True):
        np.testing.assert_allclose(report.losses, expected_report.losses, relative, absolute)
        np.testing.assert_array_equal(report.correct, expected_report.correct)
        for logits, values in zip(report.logits, expected_report.logits, strict=True):
            np.testing.assert_allclose(logits, values, relative, absolute)
