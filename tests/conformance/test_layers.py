"""Every layer and option gives the oracle's values and the oracle's gradients, in every backend.

The oracle is Keras on TensorFlow, made from keras.layers, in float32 on the CPU.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from conformance.gradients import gradients
from conformance.networks import BACKENDS, TRAINING, found
from conformance.oracle import Oracle
from netspec.backend import Target
from netspec.backend.declaration import Gradients
from netspec.language.layers import Shape
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.testing.cases import ACTIVATIONS, ALL, Case, chain, joined
from netspec.testing.checks import check_gradients, check_outputs
from netspec.testing.networks import all_random_inputs, of_case, random_cotangents, random_weights
from netspec_numpy import BACKEND as NUMPY


@dataclass(frozen=True)
class Expected:
    """What the oracle gives for a case: its outputs, and its gradients."""

    outputs: list[Array]
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
    outputs = [one.numpy() for one in oracle.outputs(*inputs)]
    by_input, by_key = oracle.pulled_back(inputs, random_cotangents(outputs), training=training)
    statistics = {key: it for key, it in oracle.weights().items() if key not in by_key}
    return Expected(outputs, Gradients(by_input, by_key, statistics))


@pytest.mark.parametrize("case", ALL, ids=str)
@pytest.mark.parametrize("name", [*BACKENDS, "numpy"])
def test_the_outputs_are_the_oracles(name: str, case: Case) -> None:
    backend = Target(NUMPY) if name == "numpy" else found(name)

    check_outputs(backend, network_of(case), *given(case), expected(case).outputs)


@pytest.mark.parametrize("case", ALL, ids=str)
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradients_are_the_oracles(name: str, case: Case) -> None:
    compare_gradients(name, case)


def compare_gradients(name: str, case: Case, count: int = 3, rounding: float = 1e-6) -> None:
    weights, inputs = given(case, count)
    wanted = expected(case, count)
    cotangents = random_cotangents(wanted.outputs)

    found_ = gradients(
        name, network_of(case), weights, inputs, cotangents, training=not case.is_random
    )

    check_gradients(found_, wanted.gradients, rounding)


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
    wanted = answer(network_of(case), {}, inputs, training=True)

    found_ = gradients(
        name, network_of(case), {}, inputs, random_cotangents(wanted.outputs), training=True
    )

    check_gradients(found_, wanted.gradients)


# Without MaxPooling3D: on the CPU TensorFlow gives every cell of a tie the whole gradient
# (tensorflow/core/kernels/pooling_ops_3d.cc), and PyTorch gives it to the first.
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
    wanted = answer(network_of(case), {}, inputs, training=True)

    found_ = gradients(
        name, network_of(case), {}, inputs, random_cotangents(wanted.outputs), training=True
    )

    check_gradients(found_, wanted.gradients)


@pytest.mark.parametrize("layer", ["Maximum", "Minimum"])
@pytest.mark.parametrize("name", TRAINING)
def test_the_gradient_of_equal_inputs_goes_where_the_oracle_sends_it(name: str, layer: str) -> None:
    shapes = {"left": (3, 4), "right": (3, 4)}
    case = joined(shapes, f"{layer}: {{inputs: [left, right]}}")
    inputs = [np.zeros((3, 3, 4), np.float32)] * 2
    wanted = answer(network_of(case), {}, inputs, training=True)

    found_ = gradients(
        name, network_of(case), {}, inputs, random_cotangents(wanted.outputs), training=True
    )

    check_gradients(found_, wanted.gradients)
