"""Keras on a GPU trains as it does on the CPU."""

from __future__ import annotations

import numpy as np
import pytest

from conformance.networks import found_training
from netspec.testing.networks import random_weights
from netspec.text.diagnostics import BackendError
from torch_backend.recorded import check_same, epochs_of, examples_of, without_dropout


@pytest.fixture(scope="module")
def device() -> str:
    """A GPU if TensorFlow finds one, else the CPU."""
    framework = pytest.importorskip("netspec_keras.framework")
    return "cuda" if framework.tf.config.list_physical_devices("GPU") else "cpu"


def train_network(device: str):
    tested = without_dropout("sgd: {momentum: 0.9}")
    backend = found_training("keras")
    weights = random_weights(tested.graph)
    trainer = backend.trainer(tested, weights, examples_of(tested), device)
    steps = [*epochs_of(trainer)]
    return trainer.weights(), steps


def test_steps_equal_the_cpus(device: str) -> None:
    check_same(train_network(device), train_network("cpu"), 1e-3, 1e-4)


def test_an_absent_gpu_is_an_error(device: str) -> None:
    tested = without_dropout("sgd")
    inputs = (np.zeros((1, 6, 6, 2), np.float32),)
    with pytest.raises(BackendError, match="TensorFlow sees no"):
        found_training("keras").predictor(tested, random_weights(tested.graph), "cuda:99").outputs(
            *inputs
        )
