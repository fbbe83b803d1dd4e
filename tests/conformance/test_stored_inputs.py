"""Trainers take examples as they are stored, and compute with NumPy's float32 quotients."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from conformance.networks import TRAINING, found_training
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics.weights import Array
from netspec.testing.networks import network, random_weights

STORED = {
    "uint8": np.arange(256, dtype=np.uint8),
    "int8": np.arange(-128, 128, dtype=np.int8),
    "uint16": np.arange(0, 65536, 256, dtype=np.uint16),
    "int16": np.arange(-32768, 32768, 256, dtype=np.int16),
    "bool": np.arange(256) % 3 == 0,
    "float32": np.linspace(-300, 300, 256, dtype=np.float32),
}
SCALE = 255


def after_a_step(name: str, tested: Network, examples: Examples) -> dict[str, Array]:
    """The weights after plain gradient descent on all examples at once."""
    trainer = found_training(name).trainer(tested, random_weights(tested.graph), examples, "cpu")
    for _ in trainer.epoch(np.arange(len(examples)), len(examples), np.ones(1, np.float32), 0):
        pass
    return trainer.weights()


def check_same(weights: dict[str, Array], expected: dict[str, Array]) -> None:
    for key, value in expected.items():
        np.testing.assert_array_equal(weights[key], value, err_msg=key)


@pytest.mark.parametrize("stored", STORED.values(), ids=STORED)
@pytest.mark.parametrize("name", TRAINING)
def test_stored_values_are_divided_to_the_bit(name: str, stored: NDArray[np.generic]) -> None:
    # The gradient of the kernel is a multiple of the one example that there is.
    tested = network(
        (256,), ["Dense: {units: 2}"], "sgd: {learning_rate: 1}", loss="mean_squared_error"
    )
    targets = (np.array([[3, -5]], np.float32),)
    values = stored[None].astype(np.float32) / np.float32(SCALE)

    divided = after_a_step(name, tested, Examples((stored[None],), targets, scale=SCALE))

    check_same(divided, after_a_step(name, tested, Examples((values,), targets)))


@pytest.mark.parametrize("name", TRAINING)
def test_the_target_of_an_autoencoder_is_what_the_network_takes(name: str) -> None:
    layers = ["Dense: {units: 4}", "Dense: {units: 16}"]
    tested = network((16,), layers, "sgd: {learning_rate: 1}", loss="mean_squared_error")
    stored = (STORED["uint8"].reshape(16, 16),)
    values = stored[0].astype(np.float32) / np.float32(SCALE)

    divided = after_a_step(name, tested, Examples(stored, stored, scale=SCALE))

    check_same(divided, after_a_step(name, tested, Examples((values,), (values.copy(),))))
