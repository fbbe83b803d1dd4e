"""Every layer and option gives the oracle's values and the oracle's gradients, in every backend.

The oracle is Keras on TensorFlow, made from keras.layers, in float32 on the CPU.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from conformance.cases import ACTIVATIONS, ALL, Case, chain
from conformance.networks import (
    BACKENDS,
    TRAINING,
    found,
    found_training,
    network,
    random_inputs,
    random_weights,
)
from conformance.oracle import Oracle
from interpreter import run
from netspec.backend import Steps
from netspec.data import Examples
from netspec.graph import Network
from netspec.weights import Array, Weights

RELATIVE, ABSOLUTE = 1e-5, 1e-6

RATE = 100.0
"""The learning rate of the step in which gradients are read: it makes them larger than weights."""


@cache
def expected_outputs(case: Case) -> Array:
    graph = network(case.shape, case.layers)
    return Oracle(graph, random_weights(graph.graph)).predict(random_inputs(graph.graph, 3))


def outputs(name: str, tested: Network, weights: Weights, inputs: Array) -> list[Array]:
    """What a backend, or the interpreter, gives for all inputs at once and for the first alone."""
    if name == "interpreter":
        return [run(tested.graph, weights, part) for part in (inputs, inputs[:1])]
    predictor = found(name).predictor(tested, weights, "cpu")
    return [predictor.predict(part) for part in (inputs, inputs[:1])]


@pytest.mark.parametrize("case", ALL, ids=str)
@pytest.mark.parametrize("name", [*BACKENDS, "interpreter"])
def test_the_outputs_are_the_oracles(name: str, case: Case) -> None:
    tested = network(case.shape, case.layers)
    expected = expected_outputs(case)

    batch, single = outputs(
        name, tested, random_weights(tested.graph), random_inputs(tested.graph, 3)
    )

    assert batch.dtype == np.float32
    np.testing.assert_allclose(batch, expected, RELATIVE, ABSOLUTE, strict=True)
    np.testing.assert_allclose(single, expected[:1], RELATIVE, ABSOLUTE, strict=True)


def between(case: Case) -> Case:
    """The case between a layer with weights, which shows its input's gradient, and a classifier."""
    size = case.shape[-1]
    # Without a bias, whose gradient is rounding alone in front of a normalization.
    before = f"Dense: {{units: {size}, use_bias: false, name: before}}"
    if len(case.shape) == 3:
        before = f"Conv2D: {{filters: {size}, kernel_size: 1, use_bias: false, name: before}}"
    after = "Dense: {units: 3, activation: softmax, name: after}"
    return chain((*case.shape[:-1], 2), before, *case.layers, "Flatten", after)


def trainable(case: Case) -> Network:
    return network(case.shape, case.layers, "sgd: {learning_rate: 0.1}")


def labelled(tested: Network, count: int) -> Examples:
    labels = np.arange(count, dtype=np.int32) % tested.graph.output.shape[0]
    return Examples(random_inputs(tested.graph, count), labels)


def step(name: str, tested: Network, weights: Weights, examples: Examples) -> tuple[Steps, Weights]:
    """One step of gradient descent over all examples: what it gave, and the weights after it."""
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")
    rates = np.array([RATE], np.float32)
    (given,) = trainer.epoch(np.arange(len(examples)), len(examples), rates, 0)
    return given, trainer.weights()


@cache
def expected_step(case: Case, count: int) -> tuple[float, dict[str, Array], dict[str, Array]]:
    """The oracle's loss, its gradients, and the moving statistics afterwards."""
    tested = trainable(case)
    oracle = Oracle(tested, random_weights(tested.graph), logits=True)
    examples = labelled(tested, count)
    loss, gradients = oracle.gradients(examples.inputs, examples.labels)
    statistics = {key: value for key, value in oracle.weights().items() if key not in gradients}
    return loss, gradients, statistics


def check_step(name: str, case: Case, count: int = 4, rounding: float = 1e-8) -> None:
    """Hold loss, gradients and moving statistics of a step against the oracle's.

    `rounding` is what a gradient of zero may come to.
    """
    tested = trainable(case)
    weights, examples = random_weights(tested.graph), labelled(tested, count)
    loss, gradients, statistics = expected_step(case, count)

    given, after = step(name, tested, weights, examples)

    np.testing.assert_allclose(given.losses, [loss], RELATIVE)
    assert after.keys() == gradients.keys() | statistics.keys()
    for key, expected in gradients.items():
        check_gradient((weights[key] - after[key]) / RATE, expected, key, rounding)
    for key, expected in statistics.items():
        np.testing.assert_allclose(after[key], expected, RELATIVE, ABSOLUTE, err_msg=key)


def check_gradient(gradient: Array, expected: Array, key: str, rounding: float = 1e-8) -> None:
    """Within 1e-5 of the gradient's largest value: its sums cancel, and lose that much."""
    absolute = RELATIVE * np.abs(expected).max() + rounding
    np.testing.assert_allclose(gradient, expected, RELATIVE, absolute, err_msg=key, strict=True)


def has_masks(case: Case) -> bool:
    return any(layer.startswith("Dropout") and "rate: 0.0" not in layer for layer in case.layers)


@pytest.mark.parametrize("case", [case for case in ALL if not has_masks(case)], ids=str)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradients_are_the_oracles(name: str, case: Case) -> None:
    check_step(name, between(case))


@pytest.mark.parametrize("fields", ["momentum: 0.6", "momentum: 0.6, scale: false, center: false"])
@pytest.mark.parametrize("name", TRAINING)
def test_a_batch_of_one_vector_is_normalized_to_zero(name: str, fields: str) -> None:
    check_step(
        name, between(chain((6,), f"BatchNormalization: {{{fields}}}")), count=1, rounding=1e-5
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_at_zero_is_the_oracles(name: str, activation: str) -> None:
    # Blank parts of images and biases that start as 0 make values of exactly 0 in the first step.
    after = "Dense: {units: 3, activation: softmax, name: after}"
    case = chain(
        (4,), "Dense: {units: 4, name: before}", f"Activation: {{activation: {activation}}}", after
    )
    tested = trainable(case)
    weights = random_weights(tested.graph) | {"before.bias": np.zeros(4, np.float32)}
    inputs = np.zeros((3, 4), np.float32)
    examples = Examples(inputs, np.array([0, 1, 1], np.int32))
    oracle = Oracle(tested, weights, logits=True)
    _, gradients = oracle.gradients(inputs, examples.labels)

    _, stepped = step(name, tested, weights, examples)

    gradient = (weights["before.bias"] - stepped["before.bias"]) / RATE
    check_gradient(gradient, gradients["before.bias"], activation)


POOLS = [
    "pool_size: 2",
    "pool_size: 2, strides: 1",
    "pool_size: 3, padding: same",
    "pool_size: 3, strides: 2, padding: same",
    "pool_size: 2, strides: 1, padding: same",
]


@pytest.mark.parametrize("fields", POOLS)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_of_a_tie_goes_where_the_oracle_sends_it(name: str, fields: str) -> None:
    # The kernel's zeros make every window a tie; its gradient tells which cells were chosen.
    case = between(chain((5, 6, 3), f"MaxPooling2D: {{{fields}}}"))
    tested = trainable(case)
    weights = random_weights(tested.graph)
    weights["before.kernel"] = np.zeros_like(weights["before.kernel"])
    examples = labelled(tested, 4)
    _, gradients = Oracle(tested, weights, logits=True).gradients(examples.inputs, examples.labels)

    _, stepped = step(name, tested, weights, examples)

    for key, expected in gradients.items():
        check_gradient((weights[key] - stepped[key]) / RATE, expected, key)
