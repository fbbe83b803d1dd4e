"""Every layer and option has the oracle's values and the oracle's gradients, in every backend.

The oracle is Keras on TensorFlow, made from keras.layers, in float32 on the CPU.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import product

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from conformance.gradients import gradients
from conformance.networks import BACKENDS, TRAINING, found
from conformance.oracle import Described, Oracle
from netspec.backend import Target
from netspec.backend.declaration import Gradients
from netspec.language.layers import Shape
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.testing.cases import ACTIVATIONS, ALL, BRANCHES, CASES, CHAINS, Case, chain, joined
from netspec.testing.checks import check_gradients, check_outputs
from netspec.testing.networks import all_random_inputs, of_case, random_cotangents, random_weights
from netspec_numpy import BACKEND as NUMPY
from netspec_numpy.interpreter import run, run_all


@dataclass(frozen=True)
class Expected:
    """The oracle's results for a case: weights by layer, outputs, and gradients of a step."""

    weights: dict[str, list[Described]]
    outputs: list[Array]
    outputs_in_training: list[Array]
    gradients: Gradients


@cache
def network_of(case: Case) -> Network:
    return of_case(case)


@cache
def given(case: Case, count: int = 3) -> tuple[Weights, list[Array]]:
    """The weights and the inputs of a case."""
    graph = network_of(case).graph
    return random_weights(graph), all_random_inputs(graph, count, whole=case.whole)


@cache
def expected(case: Case, count: int = 3) -> Expected:
    weights, inputs = given(case, count)
    return answer(network_of(case), weights, inputs, training=not case.is_random)


def answer(network: Network, weights: Weights, inputs: list[Array], *, training: bool) -> Expected:
    oracle = Oracle(network, weights)
    outputs = [output.numpy() for output in oracle.outputs(*inputs)]
    cotangents = random_cotangents(outputs)
    in_training, by_input, by_key = oracle.pulled_back(inputs, cotangents, training=training)
    statistics = {key: value for key, value in oracle.weights().items() if key not in by_key}
    found_gradients = Gradients(by_input, by_key, statistics)
    return Expected(oracle.described(), outputs, in_training, found_gradients)


@pytest.mark.parametrize("case", ALL, ids=str)
def test_the_shapes_and_weights_are_the_oracles(case: Case) -> None:
    graph, oracle = network_of(case).graph, expected(case)

    assert [node.shape for node in graph.output_nodes] == [
        output.shape[1:] for output in oracle.outputs
    ]
    assert {
        node.name: [
            (weight.name.rpartition(".")[2], weight.shape, weight.trainable)
            for weight in node.weights
        ]
        for node in graph.nodes
    } == oracle.weights


EVERY_RUN = {*CHAINS, *BRANCHES, *(case for cases in CASES.values() for case in cases[:2])}
"""The cases that every run compares where the nightly tests compare more."""


def output_cases() -> Iterator[ParameterSet]:
    """The cases of every backend.

    The names of activations are Keras's on both sides, so every run compares Keras for few of them.
    """
    for name, case in product([*BACKENDS, "numpy"], ALL):
        of_activation = any("activation: " in layer for layer in case.layers)
        nightly = name == "keras" and of_activation and case not in EVERY_RUN
        marks = pytest.mark.nightly if nightly else ()
        yield pytest.param(name, case, marks=marks, id=f"{name}-{case}")


@pytest.mark.parametrize(("name", "case"), [*output_cases()])
def test_the_outputs_are_the_oracles(name: str, case: Case) -> None:
    backend = Target(NUMPY) if name == "numpy" else found(name)

    check_outputs(backend, network_of(case), *given(case), expected(case).outputs)


@pytest.mark.parametrize("case", [case for case in ALL if not case.is_random], ids=str)
def test_the_interpreters_outputs_in_training_are_the_oracles(case: Case) -> None:
    weights, inputs = given(case)
    graph = network_of(case).graph

    values = run_all(graph, weights, *inputs, training=True)

    for name, output in zip(graph.outputs, expected(case).outputs_in_training, strict=True):
        absolute = 1e-5 * np.abs(output).max()
        np.testing.assert_allclose(values[name], output, 0, absolute, err_msg=name)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_an_activation_has_keras_values_far_from_zero(name: str) -> None:
    inputs = np.array([[-50, -8, -6, -3, -1e-3, 0, 1e-3, 3, 6, 8, 50]], np.float32)
    tested = network_of(chain((11,), f"Activation: {{activation: {name}}}"))

    outputs = run(tested.graph, {}, inputs)

    # In float32, x + sqrt(x^2 + 4) keeps the last digit of x.
    absolute = 1e-6 if name == "squareplus" else 1e-7
    np.testing.assert_allclose(outputs, Oracle(tested, {}).predict(inputs), 1e-5, absolute)


def gradient_cases() -> Iterator[ParameterSet]:
    """The cases of every backend that trains.

    The gradients of Keras are TensorFlow's on both sides, for the operations whose values are compared
    above. Every run compares two cases of each layer, and the nightly tests all.
    """
    for name, case in product(TRAINING, ALL):
        nightly = name == "keras" and case not in EVERY_RUN
        marks = pytest.mark.nightly if nightly else ()
        yield pytest.param(name, case, marks=marks, id=f"{name}-{case}")


@pytest.mark.parametrize(("name", "case"), [*gradient_cases()])
def test_the_gradients_are_the_oracles(name: str, case: Case) -> None:
    compare_gradients(name, case)


def compare_gradients(name: str, case: Case, count: int = 3, rounding: float = 1e-6) -> None:
    weights, inputs = given(case, count)
    expected_answer = expected(case, count)
    cotangents = random_cotangents(expected_answer.outputs)

    found_ = gradients(
        name, network_of(case), weights, inputs, cotangents, training=not case.is_random
    )

    check_gradients(found_, expected_answer.gradients, rounding)


def compare_gradients_at(inputs: list[Array], name: str, case: Case) -> None:
    """Compare the gradients of a case without weights at some inputs."""
    expected_answer = answer(network_of(case), {}, inputs, training=True)
    cotangents = random_cotangents(expected_answer.outputs)

    found_ = gradients(name, network_of(case), {}, inputs, cotangents, training=True)

    check_gradients(found_, expected_answer.gradients)


@pytest.mark.parametrize("fields", ["momentum: 0.6", "momentum: 0.6, scale: false, center: false"])
@pytest.mark.parametrize("name", TRAINING)
def test_a_batch_of_one_vector_is_normalized_to_zero(name: str, fields: str) -> None:
    case = chain((6,), f"BatchNormalization: {{{fields}}}")

    compare_gradients(name, case, count=1, rounding=1e-5)


@pytest.mark.parametrize("name", TRAINING)
def test_a_group_of_one_value_is_normalized_to_zero(name: str) -> None:
    compare_gradients(name, chain((6,), "GroupNormalization: {groups: -1}"), count=1, rounding=1e-5)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_at_zero_is_the_oracles(name: str, activation: str) -> None:
    # Blank parts of images and biases that start as 0 make values of exactly 0 in the first step.
    case = chain((4,), f"Activation: {{activation: {activation}}}")
    inputs = [np.zeros((3, 4), np.float32)]

    compare_gradients_at(inputs, name, case)


# Without MaxPooling3D: on the CPU in TensorFlow every element of a tie gets the whole gradient
# (tensorflow/core/kernels/pooling_ops_3d.cc), and in PyTorch the first gets it.
POOLS: list[tuple[Shape, str]] = [
    ((5, 6, 3), "MaxPooling2D: {pool_size: 2}"),
    ((5, 6, 3), "MaxPooling2D: {pool_size: 2, strides: 1}"),
    ((5, 6, 3), "MaxPooling2D: {pool_size: 3, padding: same}"),
    ((5, 6, 3), "MaxPooling2D: {pool_size: 3, strides: 2, padding: same}"),
    ((5, 6, 3), "MaxPooling2D: {pool_size: 2, strides: 1, padding: same}"),
    ((6, 3), "MaxPooling1D: {pool_size: 3, strides: 2, padding: same}"),
    ((5, 3), "GlobalMaxPooling1D"),
    ((2, 3, 2, 2), "GlobalMaxPooling3D"),
]


@pytest.mark.parametrize(("shape", "layer"), POOLS)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_of_a_tie_goes_where_the_oracle_sends_it(
    name: str, shape: Shape, layer: str
) -> None:
    case = chain(shape, layer)
    inputs = [np.zeros((3, *shape), np.float32)]

    compare_gradients_at(inputs, name, case)


@pytest.mark.parametrize("layer", ["Maximum", "Minimum"])
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_of_equal_inputs_goes_where_the_oracle_sends_it(name: str, layer: str) -> None:
    shapes = {"left": (3, 4), "right": (3, 4)}
    case = joined(shapes, f"{layer}: {{inputs: [left, right]}}")
    inputs = [np.zeros((3, 3, 4), np.float32)] * 2

    compare_gradients_at(inputs, name, case)
