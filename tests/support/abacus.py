"""A backend from outside: softmax regression in NumPy, which trains in a millisecond.

It proves what `netspec.backend` requires of a backend, and lets tests of the core train without a
framework. It takes networks of Flatten and one Dense with softmax; see `SPEC`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import netspec.backend
from netspec.backend import Device, Framework, Program, Steps, gives_logits
from netspec.data import Examples
from netspec.network import Network, loads
from netspec.numerics.weights import Array, Weights
from netspec.passes import Pass

MOMENTUM = np.float32(0.9)

SPEC = """\
netspec: 1
name: regression
input: [2, 2, 1]
layers:
  - Flatten
  - Dense: {units: 3, activation: softmax}
data: {dataset: npz, path: images.npz, scale: 255}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {sgd: {learning_rate: 0.05}}
  epochs: 3
  batch_size: 7
"""
TRAINING_IMAGES, TEST_IMAGES = 40, 20


class AbacusPredictor:
    device = "abacus"

    def __init__(self, weights: Weights) -> None:
        self._kernel, self._bias = weights["dense.kernel"].copy(), weights["dense.bias"].copy()

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        return (self.predict(*inputs),)

    def logits(self, inputs: Array) -> tuple[Array, ...]:
        return (inputs.reshape(len(inputs), -1) @ self._kernel + self._bias,)

    def predict(self, inputs: Array) -> Array:
        (logits,) = self.logits(inputs)
        powers = np.exp(logits - logits.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)


class AbacusTrainer(AbacusPredictor):
    """Gradient descent with momentum; a mask from `mask_seed` leaves out some of the pixels."""

    def __init__(self, program: Program, examples: Examples) -> None:
        super().__init__(program.weights)
        self._examples = examples
        self._gives_logits = gives_logits(program.objectives)
        self._velocity = np.zeros_like(self._kernel)

    def epoch(
        self, order: NDArray[np.int64], batch_size: int, learning_rates: Array, mask_seed: int
    ) -> Iterator[Steps]:
        random = np.random.default_rng(mask_seed)
        for step, rate in enumerate(learning_rates):
            batch = order[step * batch_size : (step + 1) * batch_size]
            (x,), (labels,) = self._examples.values(batch), self._examples.targets
            labels = labels[batch]
            x = x * random.integers(0, 2, x.shape).astype(np.float32)
            outputs = self.predict(x)
            right = (outputs.argmax(-1) == labels).sum()
            loss = -np.log(outputs[np.arange(len(batch)), labels]).mean()
            shown = self.logits(x) if self._gives_logits else ()
            outputs[np.arange(len(batch)), labels] -= 1
            gradient = x.reshape(len(batch), -1).T @ outputs / np.float32(len(batch))
            self._velocity = MOMENTUM * self._velocity - rate * gradient
            self._kernel += self._velocity
            self._bias -= rate * outputs.mean(0)
            counted = None if shown else np.array([right], np.int32)
            yield Steps(np.array([loss], np.float32), counted, logits=shown)

    def weights(self) -> dict[str, Array]:
        return {"dense.kernel": self._kernel.copy(), "dense.bias": self._bias.copy()}

    threads = None

    def swap_averages(self) -> None: ...

    def optimizer_state(self) -> dict[str, NDArray[Any]]:
        return {"velocity": self._velocity.copy()}

    @property
    def never_negative(self) -> frozenset[str]:
        return frozenset()

    def restore(self, optimizer_state: dict[str, NDArray[Any]]) -> None:
        self._velocity = optimizer_state["velocity"].copy()


class Abacus:
    """See `netspec.backend.TrainingBackend`."""

    name = "abacus"
    frameworks: tuple[Framework, ...] = ()
    passes: tuple[Pass, ...] = ()
    work_per_thread = 1e9
    threads_sleep = False

    def devices(self) -> tuple[str, ...]:
        return ("abacus",)

    def source(self, program: Program) -> str:
        return f'"""The network {program.graph.name} on an abacus."""\n'

    def model(self, program: Program) -> AbacusPredictor:
        return AbacusPredictor(program.weights)

    def predictor(self, program: Program, device: Device) -> AbacusPredictor:
        return AbacusPredictor(program.weights)

    def trainer(
        self,
        program: Program,
        examples: Examples,
        device: Device,
        threads: int | None = None,
    ) -> AbacusTrainer:
        return AbacusTrainer(program, examples)


class _Point:
    """An entry point of this backend."""

    def __init__(self, backend: Abacus) -> None:
        self._backend = backend

    def load(self) -> Abacus:
        return self._backend


def install(monkeypatch: pytest.MonkeyPatch, backend: Abacus | None = None) -> None:
    """Make the abacus, or a variant of it, a backend that is installed beside the others."""
    points = netspec.backend.installed() | {"abacus": _Point(backend or Abacus())}
    monkeypatch.setattr(netspec.backend, "installed", lambda: points)


def arrays(seed: int = 0) -> dict[str, NDArray[np.uint8]]:
    """Images (2, 2) of three classes, as an .npz data set holds them."""
    random = np.random.default_rng(seed)
    count = TRAINING_IMAGES + TEST_IMAGES
    labels = random.integers(0, 3, count).astype(np.uint8)
    images = random.integers(0, 100, (count, 2, 2)).astype(np.uint8)
    images.reshape(count, -1)[np.arange(count), labels] += 120
    return {
        "x_train": images[:TRAINING_IMAGES],
        "y_train": labels[:TRAINING_IMAGES],
        "x_test": images[TRAINING_IMAGES:],
        "y_test": labels[TRAINING_IMAGES:],
    }


def network(folder: Path, changes: dict[str, str] | None = None, **values: Any) -> Network:
    """The regression on images in `folder`, with texts of the spec replaced.

    `values` replaces arrays of the data set, such as y_train.
    """
    np.savez(folder / "images.npz", **(arrays() | values))
    text = SPEC
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    return loads(text, folder)
