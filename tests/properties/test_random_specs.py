"""Random valid specs over the whole vocabulary: the backends agree with the graph and each other."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from conformance.gradients import gradients, random_cotangents
from conformance.networks import (
    BACKENDS,
    TRAINING,
    all_random_inputs,
    found,
    found_training,
    of_case,
    random_weights,
)
from netspec.language.layers import LAYERS
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.passes import NAMES, OPTIMIZATIONS
from netspec.testing.cases import Case
from netspec_numpy.interpreter import run_all
from properties.draws import FIELDS, JOINS
from properties.draws.specs import specs

# Keras warns of a softmax over one channel, which is always 1, and computes it.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis")

LARGEST = 1e4
"""Values beyond this lose their digits in the next exponential."""

# Names of networks that a generated module could have a use for.
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
"""No passes at all."""

PASSES = st.sampled_from([None, PLAIN, *(frozenset({name}) for name in NAMES)])
"""All passes, none, and each by itself."""

PASSES_OF_TRAINING = st.sampled_from(
    [None, PLAIN, *(frozenset({each.name}) for each in OPTIMIZATIONS)]
)
"""As above, without the passes that are for prediction alone."""


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**16)


def test_every_layer_of_the_vocabulary_is_drawn() -> None:
    assert FIELDS.keys() | JOINS.keys() == LAYERS.keys()
    assert not FIELDS.keys() & JOINS.keys()


@given(case=specs())
def test_shapes_and_parameters_are_those_of_both_frameworks(case: Case) -> None:
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
    assert trainable == sum(it.numel() for it in torch.parameters() if it.requires_grad)


def jolted(values: Array, seed: int) -> Array:
    """The values, each changed in its last digits: by up to a millionth of itself."""
    random = np.random.default_rng((seed, 2))
    return (values * (1 + 1e-6 * random.uniform(-1, 1, values.shape))).astype(np.float32)


def all_jolted(
    case: Case, weights: Weights, inputs: list[Array], seed: int
) -> tuple[Weights, list[Array]]:
    """Weights and inputs with other last digits; indices stay as they are."""
    moved = inputs if case.whole else [jolted(each, seed) for each in inputs]
    return {key: jolted(value, seed) for key, value in weights.items()}, moved


def interpreted(
    tested: Network, weights: Weights, inputs: list[Array]
) -> tuple[list[Array], float]:
    """The outputs in float64, and the largest value on the way to them."""
    with np.errstate(all="ignore"):
        values = run_all(tested.graph, weights, *inputs)
    largest = max(float(np.abs(value).max()) for value in values.values())
    return [values[name] for name in tested.graph.outputs], largest


def drawn(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> tuple[Network, Weights, list[Array]]:
    """The network of a case, with weights and inputs."""
    tested = of_case(case, name=name, passes=passes)
    inputs = all_random_inputs(tested.graph, 3, seed, whole=case.whole)
    return tested, random_weights(tested.graph, seed), inputs


@given(case=specs(), name=NETWORKS, seed=seeds(), passes=PASSES)
def test_every_backend_gives_the_interpreters_values(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> None:
    tested, weights, inputs = drawn(case, name, seed, passes)
    expected, largest = interpreted(tested, weights, inputs)
    assume(largest < LARGEST)
    # What rounding alone may come to: a network can make a small difference large.
    others, _ = interpreted(tested, *all_jolted(case, weights, inputs, seed))

    for backend in BACKENDS:
        outputs = found(backend).predictor(tested, weights, "cpu").outputs(*inputs)
        for node, output, wanted, other in zip(
            tested.graph.output_nodes, outputs, expected, others, strict=True
        ):
            assert output.dtype == np.float32
            assert output.shape == (3, *node.shape)
            moved = np.abs(other - wanted).max()
            # A difference of large values keeps their rounding, though it should be 0.
            absolute = 1e-5 * np.abs(wanted).max() + moved + 1e-6 + 1e-7 * largest
            note(f"{backend}: {np.abs(output - wanted).max()} of {absolute}")
            np.testing.assert_allclose(output, wanted, 0, absolute, err_msg=backend)


# Behind layers that repeat values MaxPooling3D has ties, which TensorFlow's CPU kernel counts double.
@given(
    case=specs(without=("MaxPooling3D",)), name=NETWORKS, seed=seeds(), passes=PASSES_OF_TRAINING
)
def test_the_gradients_are_the_same_everywhere(
    case: Case, name: str, seed: int, passes: frozenset[str] | None
) -> None:
    tested, weights, inputs = drawn(case, name, seed, passes)
    expected, largest = interpreted(tested, weights, inputs)
    assume(largest < LARGEST)
    cotangents = random_cotangents(expected)
    training = not case.is_random
    moved = all_jolted(case, weights, inputs, seed)
    first, *rest = TRAINING
    plain = replace(tested, passes=PLAIN)
    wanted = gradients(first, plain, weights, inputs, cotangents, training=training)

    for backend in rest if passes == PLAIN else TRAINING:
        given_ = gradients(backend, tested, weights, inputs, cotangents, training=training)
        other = gradients(backend, tested, *moved, cotangents, training=training)
        steepest = max(np.abs(it).max() for it in (*wanted.inputs, *wanted.weights.values()))
        for at, parts in enumerate(zip(wanted.inputs, given_.inputs, other.inputs, strict=True)):
            check(*parts, steepest, f"input {at}")
        for key, value in wanted.weights.items():
            check(value, given_.weights[key], other.weights[key], steepest, key)
        for key, value in wanted.statistics.items():
            check(value, given_.statistics[key], other.statistics[key], 0, key)


def check(wanted: Array, given_: Array, other: Array, steepest: float, key: str) -> None:
    """Within what rounding alone comes to: a small gradient may be what large ones leave over."""
    absolute = 1e-4 * np.abs(wanted).max() + 10 * np.abs(other - given_).max() + 1e-5
    absolute += 1e-6 * steepest
    np.testing.assert_allclose(given_, wanted, 0, absolute, err_msg=key)
