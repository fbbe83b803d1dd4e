"""The interpreter gives the values of Keras's own layers, over the options of each."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias, get_args
from zlib import crc32

import numpy as np
import pytest
from numpy.typing import NDArray

import keras_oracle
from netspec.graph import Graph, infer
from netspec.language.layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Shape,
)
from netspec.language.layers.activations import ActivationName
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.regularization import Dropout
from netspec_numpy.interpreter import ACTIVATIONS, run

Case: TypeAlias = tuple[Layer, Shape]
NAMES: tuple[ActivationName, ...] = get_args(ActivationName)

TOLERANCE = 1e-5  # of the largest value: the oracle computes in float32


def convolutions() -> Iterator[Case]:
    sizes = [(7, 9, 3), (8, 6, 3)]
    kernels = [(1, 1), (2, 2), (3, 3), (2, 5), (4, 1)]
    for padding, size, kernel, strides in product(
        ["valid", "same"], sizes, kernels, [(1, 1), (2, 2), (3, 3), (1, 2), (3, 2)]
    ):
        yield conv(size, kernel_size=kernel, strides=strides, padding=padding)
    for padding, size, kernel, dilation in product(
        ["valid", "same"], sizes, [(2, 2), (3, 3), (1, 3)], [(2, 2), (3, 3), (2, 1), (1, 3)]
    ):
        if padding == "same" or all(
            (cells - 1) * rate < room
            for cells, rate, room in zip(kernel, dilation, size, strict=False)
        ):
            yield conv(size, kernel_size=kernel, dilation_rate=dilation, padding=padding)
    for groups, filters in [(2, 4), (3, 6), (6, 6), (6, 12)]:
        yield conv((7, 5, 6), filters=filters, kernel_size=3, groups=groups)
        yield conv((7, 5, 6), filters=filters, kernel_size=2, groups=groups, padding="same")
    yield conv((7, 5, 6), filters=4, kernel_size=3, groups=2, strides=2, padding="same")
    yield conv((7, 5, 6), filters=4, kernel_size=3, groups=2, dilation_rate=2)
    yield conv((5, 5, 2), kernel_size=3, use_bias=False)
    yield conv((3, 2, 2), kernel_size=5, padding="same")
    yield conv((1, 1, 1), filters=1, kernel_size=1)
    for name in NAMES:
        yield conv((5, 5, 2), kernel_size=3, activation=name)


def conv(shape: Shape, **fields: Any) -> Case:  # Any: the fields of a layer
    return Conv2D.model_validate({"filters": 4, **fields}), shape


def pools() -> Iterator[Case]:
    windows = [2, 3, (1, 4), (3, 2)]
    strides = [None, 1, 2, 3, (2, 1)]
    sizes = [(7, 9, 3), (8, 6, 3), (5, 5, 1)]
    for layer, size, window, step, padding in product(
        [MaxPooling2D, AveragePooling2D], sizes, windows, strides, ["valid", "same"]
    ):
        fields = {"pool_size": window, "strides": step, "padding": padding}
        yield layer.model_validate(fields), size
    for layer in (MaxPooling2D, AveragePooling2D):
        yield layer(), (4, 6, 2)
        yield layer(pool_size=(4, 4), padding="same"), (3, 2, 2)  # wider than the image
    for keepdims in (False, True):
        yield GlobalAveragePooling2D(keepdims=keepdims), (5, 4, 3)


def others() -> Iterator[Case]:
    for shape in [(4,), (3, 4), (2, 3, 4)]:
        yield Flatten(), shape
        yield Dense(units=5), shape
        yield Dense(units=5, use_bias=False), shape
        yield Dropout(rate=0.5), shape
    yield Dropout(rate=0.5, noise_shape=(1, None, 4)), (2, 3, 4)
    for name in NAMES:
        yield Dense(units=5, activation=name), (6,)
        yield Activation(activation=name), (6,)
        yield Activation(activation=name), (3, 4, 5)


def normalizations() -> Iterator[Case]:
    for axis in (-1, 3, 1, 2, -2, -3):
        yield BatchNormalization(axis=axis), (4, 5, 3)
    for axis in (-1, 1):
        yield BatchNormalization(axis=axis), (6,)
    for center, scale, epsilon in product([False, True], [False, True], [1e-3, 1e-5, 0.1]):
        yield BatchNormalization(center=center, scale=scale, epsilon=epsilon), (4, 5, 3)


def identity(case: Case) -> str:
    return keras_oracle.described(*case)


@pytest.mark.parametrize("case", [*convolutions()], ids=identity)
def test_a_convolution_has_keras_values(case: Case) -> None:
    compare(case)


@pytest.mark.parametrize("case", [*pools()], ids=identity)
def test_a_pool_has_keras_values(case: Case) -> None:
    compare(case)


@pytest.mark.parametrize("case", [*others()], ids=identity)
def test_a_layer_without_space_has_keras_values(case: Case) -> None:
    compare(case)


@pytest.mark.parametrize("training", [False, True], ids=["prediction", "training"])
@pytest.mark.parametrize("case", [*normalizations()], ids=identity)
def test_a_normalization_has_keras_values(case: Case, training: bool) -> None:
    compare(case, training)


@pytest.mark.parametrize("layer", [MaxPooling2D, AveragePooling2D])
def test_padding_has_no_part_in_a_pool(layer: type[MaxPooling2D | AveragePooling2D]) -> None:
    graph = single(layer(pool_size=(3, 3), strides=(2, 2), padding="same"), (4, 4, 1))

    outputs = run(graph, {}, np.full((1, 4, 4, 1), -7, np.float32))

    np.testing.assert_array_equal(outputs, np.full((1, 2, 2, 1), -7, np.float32))


@pytest.mark.parametrize("name", NAMES)
def test_an_activation_has_keras_values_far_from_zero(name: ActivationName) -> None:
    inputs = np.float32([[-50, -8, -6, -3, -1e-3, 0, 1e-3, 3, 6, 8, 50]])

    expected = keras_oracle.keras_values(Activation(activation=name), {}, inputs)

    # In float32, x + sqrt(x^2 + 4) keeps the last digit of x.
    absolute = 1e-6 if name == "squareplus" else 1e-7
    np.testing.assert_allclose(
        run(single(Activation(activation=name), (11,)), {}, inputs), expected, TOLERANCE, absolute
    )


def test_every_activation_of_the_vocabulary_is_defined() -> None:
    assert set(ACTIVATIONS) == set(NAMES)


def compare(case: Case, training: bool = False) -> None:
    """Hold the interpreter against Keras on random weights and inputs that the case decides."""
    layer, shape = case
    graph = single(layer, shape)
    random = np.random.default_rng(crc32(identity(case).encode()))
    weights = {key: drawn(random, key, weight.shape) for key, weight in graph.weights()}
    inputs = drawn(random, "inputs", (3, *shape))
    by_name = {key.partition(".")[2]: value for key, value in weights.items()}

    expected = keras_oracle.keras_values(layer, by_name, inputs, training=training)

    outputs = run(graph, weights, inputs, training=training)
    assert outputs.shape == expected.shape
    np.testing.assert_allclose(outputs, expected, 0, TOLERANCE * np.abs(expected).max())


def drawn(random: np.random.Generator, key: str, shape: Shape) -> NDArray[np.float32]:
    values = random.uniform(0.5, 2, shape) if "variance" in key else random.normal(0, 1, shape)
    return values.astype(np.float32)


def single(layer: Layer, shape: Shape) -> Graph:
    graph, faults = infer("single", shape, [layer])
    assert not faults
    return graph
