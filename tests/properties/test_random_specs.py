"""Random valid specs over the whole vocabulary: the backends agree with the graph and each other."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from conformance.gradients import gradients
from conformance.networks import BACKENDS, TRAINING, found, found_training
from netspec.language.layers import LAYERS
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.passes import NAMES, OPTIMIZATIONS
from netspec.testing.cases import Case
from netspec.testing.networks import all_random_inputs, of_case, random_cotangents, random_weights
from netspec_numpy.interpreter import run_all
from properties.draws import FIELDS, JOINS
from properties.draws.specs import specs

# Keras warns about a softmax over one channel, which is always 1.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis")

LARGEST = 1e4
"""Larger values lose their digits in the next exponential."""

# Names of networks that a generated module could use.
NETWORKS = st.sampled_from(
    [
        "tested",
        "adam",
        "Adam",
        "SGD",
        "f",
        "F",
        "nn",
        "none",
        "true_",
        "tensor",
        "weights",
        "WEIGHTS",
        "A_1",
    ]
)


PLAIN: frozenset[str] = frozenset()
"""No passes."""

PASSES = st.sampled_from([None, PLAIN, *(frozenset({name}) for name in NAMES)])
"""All passes, none, and each pass separately."""

PASSES_OF_TRAINING = st.sampled_from(
    [None, PLAIN, *(frozenset({optimization.name}) for optimization in OPTIMIZATIONS)]
)
"""As above, without the passes that are only for prediction."""


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**16)


def test_every_layer_of_the_vocabulary_is_drawn() -> None:
    assert FIELDS.keys() | JOINS.keys() == LAYERS.keys()
    assert not FIELDS.keys() & JOINS.keys()


@given(case=specs())
def test_shapes_and_parameters_equal_both_frameworks(case: Case) -> None:
    tested = of_case(case, passes=PLAIN)
    graph, weights = tested.graph, random_weights(tested.graph)
    keras: Any = found_training("keras").model(tested, weights)
    torch: Any = found_training("torch").model(tested, weights)

    for node in graph.nodes:
        layer = keras.get_layer(node.name.replace("/", "."))
        assert tuple(layer.output.shape[1:]) == node.shape, node.name
    trainable = sum(weight.size for _, weight in graph.weights() if weight.trainable)
    fixed = sum(weight.size for _, weight in graph.weights() if not weight.trainable)
    assert trainable + fixed == sum(node.parameters for node in graph.nodes)
    assert trainable == sum(prod(weight.shape) for weight in keras.trainable_weights)
    assert fixed == sum(prod(weight.shape) for weight in keras.non_trainable_weights)
    assert trainable == sum(
        parameter.numel() for parameter in torch.parameters() if parameter.requires_grad
    )


def jolt(values: Array, seed: int) -> Array:
    """The values with other last digits: each is changed by up to a millionth."""
    random = np.random.default_rng((seed, 2))
    return (values * (1 + 1e-6 * random.uniform(-1, 1, values.shape))).astype(np.float32)


def jolt_all(
    case: Case, weights: Weights, inputs: list[Array], seed: int
) -> tuple[Weights, list[Array]]:
    """Weights and inputs with other last digits. Indices stay unchanged."""
    new_inputs = inputs if case.whole else [jolt(array, seed) for array in inputs]
    return {key: jolt(value, seed) for key, value in weights.items()}, new_inputs


def interpret(tested: Network, weights: Weights, inputs: list[Array]) -> tuple[list[Array], float]:
    """The outputs in float64, and the largest value of all tensors."""
    with np.errstate(all="ignore"):
        values = run_all(tested.graph, weights, *inputs)
    largest = max(float(np.abs(value).max()) for value in values.values())
    return [values[name] for name in tested.graph.outputs], largest


def draw_case(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> tuple[Network, Weights, list[Array]]:
    """The network of a case, with weights and inputs."""
    tested = of_case(case, name=name, passes=passes)
    inputs = all_random_inputs(tested.graph, 3, seed, whole=case.whole)
    return tested, random_weights(tested.graph, seed), inputs


@given(case=specs(), name=NETWORKS, seed=seeds(), passes=PASSES)
def test_every_backend_computes_the_interpreters_values(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> None:
    tested, weights, inputs = draw_case(case, name, seed, passes)
    references, largest = interpret(tested, weights, inputs)
    assume(largest < LARGEST)
    # The size of rounding errors: a network can amplify a small difference.
    jolted_outputs, _ = interpret(tested, *jolt_all(case, weights, inputs, seed))

    for backend in BACKENDS:
        outputs = found(backend).predictor(tested, weights, "cpu").outputs(*inputs)
        for node, output, expected, other in zip(
            tested.graph.output_nodes, outputs, references, jolted_outputs, strict=True
        ):
            assert output.dtype == np.float32
            assert output.shape == (3, *node.shape)
            rounding = np.abs(other - expected).max()
            # A difference of large values keeps their rounding, though it should be 0.
            absolute = 1e-5 * np.abs(expected).max() + rounding + 1e-6 + 1e-7 * largest
            note(f"{backend}: {np.abs(output - expected).max()} of {absolute}")
            np.testing.assert_allclose(output, expected, 0, absolute, err_msg=backend)


# After layers that repeat values MaxPooling3D has ties, which TensorFlow's CPU kernel counts double.
@given(
    case=specs(without=("MaxPooling3D",)), name=NETWORKS, seed=seeds(), passes=PASSES_OF_TRAINING
)
def test_every_backend_has_the_same_gradients(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> None:
    tested, weights, inputs = draw_case(case, name, seed, passes)
    outputs, largest = interpret(tested, weights, inputs)
    assume(largest < LARGEST)
    cotangents = random_cotangents(outputs)
    training = not case.is_random
    *rest, last = TRAINING  # PyTorch, which is the fastest
    plain = replace(tested, passes=PLAIN)
    expected = gradients(last, plain, weights, inputs, cotangents, training=training)
    jolted_values = jolt_all(case, weights, inputs, seed)
    other = gradients(last, plain, *jolted_values, cotangents, training=training)
    steepest = max(
        np.abs(values).max() for values in (*expected.inputs, *expected.weights.values())
    )

    for backend in rest if passes == PLAIN else TRAINING:
        actual = gradients(backend, tested, weights, inputs, cotangents, training=training)
        for index, parts in enumerate(
            zip(expected.inputs, actual.inputs, other.inputs, strict=True)
        ):
            check(*parts, steepest, f"input {index} of {backend}")
        for key, value in expected.weights.items():
            parts = value, actual.weights[key], other.weights[key]
            check(*parts, steepest, f"{key} of {backend}")
        for key, value in expected.statistics.items():
            parts = value, actual.statistics[key], other.statistics[key]
            check(*parts, 0, f"{key} of {backend}")


def check(expected: Array, actual: Array, other: Array, steepest: float, key: str) -> None:
    """Compare gradients within rounding: a small gradient may be a difference of large values.

    `other` is the expected gradient of slightly different values.
    """
    absolute = 1e-4 * np.abs(expected).max() + 10 * np.abs(other - expected).max() + 1e-5
    absolute += 1e-6 * steepest
    np.testing.assert_allclose(actual, expected, 0, absolute, err_msg=key)
