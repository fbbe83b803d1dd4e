"""Shapes, parameter counts and refusals are Keras's own, over a grid of every layer's options."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod
from typing import Any, TypeAlias

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import (
    LAYERS,
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    LayerFault,
    MaxPooling2D,
    Shape,
)
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.regularization import Dropout

Case: TypeAlias = tuple[Layer, Shape]
IMAGES: list[Shape] = [(8, 8, 4), (7, 5, 4), (3, 2, 6)]


def strided_convolutions() -> Iterator[Case]:
    for shape, kernel, strides, padding in product(
        IMAGES, [1, 2, 3, (5, 2), 9], [1, 2, 3, (1, 2)], ["valid", "same"]
    ):
        yield conv(kernel_size=kernel, strides=strides, padding=padding), shape


def dilated_convolutions() -> Iterator[Case]:
    for shape, kernel, dilation, strides, padding in product(
        IMAGES, [1, 2, 3], [2, 3, (1, 2)], [1, 2, (2, 1)], ["valid", "same"]
    ):
        fields = {"dilation_rate": dilation, "strides": strides, "padding": padding}
        yield conv(kernel_size=kernel, **fields), shape


def grouped_convolutions() -> Iterator[Case]:
    for shape, filters, groups, bias in product(IMAGES, [2, 3, 4, 6, 12], [1, 2, 3, 4], [0, 1]):
        fields = {"filters": filters, "groups": groups, "use_bias": bool(bias)}
        yield conv(kernel_size=2, **fields), shape


def conv(**fields: Any) -> Layer:  # Any: the fields of a layer
    return Conv2D.model_validate({"filters": 4, **fields})


def pools() -> Iterator[Case]:
    for layer, shape, window, strides, padding in product(
        [MaxPooling2D, AveragePooling2D],
        IMAGES,
        [1, 2, 3, (2, 4), 9],
        [None, 1, 2, 3, (3, 1)],
        ["valid", "same"],
    ):
        fields = {"pool_size": window, "strides": strides, "padding": padding}
        yield layer.model_validate(fields), shape
    for shape, keepdims in product(IMAGES, [False, True]):
        yield GlobalAveragePooling2D(keepdims=keepdims), shape


def normalizations() -> Iterator[Case]:
    for shape, center, scale in product([(5,), (4, 6), (7, 5, 4)], [False, True], [False, True]):
        for axis in range(-5, 6):
            yield BatchNormalization(axis=axis, center=center, scale=scale), shape


def others() -> Iterator[Case]:
    for shape in [(1,), (10,), (4, 6), (7, 5, 4)]:
        yield Flatten(), shape
        yield Activation(activation="softmax"), shape
        yield Dropout(rate=0.25), shape
        for units, bias in product([1, 10], [False, True]):
            yield Dense(units=units, use_bias=bias), shape
    yield Dropout(rate=0.25, noise_shape=(1, None, 4)), (7, 5, 4)


def identity(case: Case) -> str:
    return keras_oracle.described(*case)


def inferred(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    try:
        return layer.infer_shape((shape,))
    except LayerFault:
        return None


def in_keras(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    try:
        built = keras_oracle.keras_build(layer, shape)
        return tuple(built.compute_output_shape((None, *shape))[1:])
    except (ValueError, TypeError, IndexError):  # the last two from axes that are not there
        return None


CONVOLUTIONS = [*strided_convolutions(), *dilated_convolutions(), *grouped_convolutions()]
NORMALIZATIONS = [*normalizations()]
OTHERS = [*others()]


@pytest.mark.parametrize("case", CONVOLUTIONS, ids=identity)
def test_a_convolution_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


@pytest.mark.parametrize("case", [*pools()], ids=identity)
def test_a_pool_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


@pytest.mark.parametrize("case", NORMALIZATIONS, ids=identity)
def test_a_normalization_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


@pytest.mark.parametrize("case", OTHERS, ids=identity)
def test_a_layer_without_space_has_keras_shape(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


def test_the_parameters_of_a_network_are_counted_as_keras_counts_them() -> None:
    layers = [
        Conv2D(filters=8, kernel_size=(3, 3), groups=2, use_bias=False),
        BatchNormalization(scale=False),
        MaxPooling2D(),
        Flatten(),
        Dense(units=5),
        BatchNormalization(),
    ]
    model = keras.Sequential([keras.Input((9, 9, 4)), *map(keras_oracle.keras_layer, layers)])

    graph, faults = infer("network", (9, 9, 4), layers)

    sizes = [(weight.size, weight.trainable) for _, weight in graph.weights()]
    assert not faults
    assert sum(node.parameters for node in graph.nodes) == model.count_params()
    assert sum(size for size, trainable in sizes if trainable) == counted(model.trainable_weights)
    assert sum(size for size, trainable in sizes if not trainable) == counted(
        model.non_trainable_weights
    )


def counted(variables: list[Any]) -> int:  # Any: Keras ships no types
    return sum(prod(variable.shape) for variable in variables)


REFUSED: list[tuple[str, dict[str, Any], Shape]] = [
    # what the layer cannot take as its input
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 2, "dilation_rate": 2}, (9, 9, 4)),
    (
        "Conv2D",
        {"filters": 4, "kernel_size": 3, "strides": [1, 2], "dilation_rate": [2, 1]},
        (9, 9, 4),
    ),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 3}, (9, 9, 3)),
    ("Conv2D", {"filters": 6, "kernel_size": 3, "groups": 3}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 4}, (3, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": [1, 4]}, (9, 3, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": 4}, (8, 8, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 1}, (8,)),
    ("Conv2D", {"filters": 4, "kernel_size": 1}, (8, 8)),
    ("MaxPooling2D", {"pool_size": 4}, (3, 9, 4)),
    ("MaxPooling2D", {}, (8, 8)),
    ("AveragePooling2D", {"pool_size": [1, 4]}, (9, 3, 4)),
    ("AveragePooling2D", {}, (8,)),
    ("GlobalAveragePooling2D", {}, (8,)),
    ("GlobalAveragePooling2D", {}, (8, 8)),
    ("BatchNormalization", {"axis": 0}, (8, 8, 4)),
    ("BatchNormalization", {"axis": 4}, (8, 8, 4)),
    ("BatchNormalization", {"axis": -5}, (8, 8, 4)),
    # what no layer of the class can be
    ("Conv2D", {"filters": 0, "kernel_size": 3}, (9, 9, 4)),
    ("Conv2D", {"filters": -1, "kernel_size": 3}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 0}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": [3, 3, 3]}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "strides": 0}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "groups": 0}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "causal"}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "activation": "rectify"}, (9, 9, 4)),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "kernel_initializer": "xavier"}, (9, 9, 4)),
    ("MaxPooling2D", {"pool_size": 0}, (9, 9, 4)),
    ("MaxPooling2D", {"padding": "full"}, (9, 9, 4)),
    ("Dense", {"units": 0}, (8,)),
    ("Dense", {"units": 1.5}, (8,)),
    ("Dropout", {"rate": -0.1}, (8,)),
    ("Dropout", {"rate": 1.5}, (8,)),
    ("Dropout", {"rate": 0.5, "noise_shape": [0]}, (8,)),
    ("Activation", {"activation": "rectify"}, (8,)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: "{} {} on {}".format(*case))
def test_what_keras_refuses_is_refused(case: tuple[str, dict[str, Any], Shape]) -> None:
    tag, fields, shape = case
    with pytest.raises((ValueError, TypeError, IndexError)):
        getattr(keras.layers, tag)(**fields)(keras.KerasTensor((None, *shape)))

    with pytest.raises((ValidationError, LayerFault)):
        LAYERS[tag].model_validate(fields).infer_shape((shape,))


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    conv, dense = Conv2D(filters=2, kernel_size=(1, 1)), Dense(units=2)
    layers = [
        *(conv, BatchNormalization(), Activation(activation="relu"), MaxPooling2D()),
        *(conv, AveragePooling2D(), Dropout(rate=0.5), Dense(units=2, name="own"), conv),
        *(BatchNormalization(), GlobalAveragePooling2D(), Flatten(), dense, dense, dense),
    ]

    graph, _ = infer("names", (8, 8, 1), layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]
