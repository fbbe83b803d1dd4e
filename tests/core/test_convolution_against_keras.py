"""Convolutions of every rank have Keras's shapes, refusals and names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import numpy as np
import pytest

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape

Case: TypeAlias = tuple[Layer, Shape]

SHAPES: dict[int, Shape] = {1: (7, 4), 2: (7, 5, 4), 3: (5, 6, 7, 4)}


def layer(tag: str, **fields: Any) -> Layer:  # Any: the fields of a layer
    return LAYERS[tag].model_validate(fields)


def convolutions() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        tag = f"Conv{rank}D"
        paddings = ["valid", "same", "causal"] if rank == 1 else ["valid", "same"]
        for padding, kernel, steps in product(
            paddings, [1, 3, 6], [{}, {"strides": 2}, {"dilation_rate": 3}]
        ):
            yield layer(tag, filters=4, kernel_size=kernel, padding=padding, **steps), shape
        for groups in (2, 3):
            fields = {"filters": 6, "kernel_size": 2, "groups": groups, "use_bias": False}
            yield layer(tag, **fields), shape
        yield layer(tag, filters=4, kernel_size=2, strides=2, dilation_rate=2), shape
        yield layer(tag, filters=4, kernel_size=2), shape[1:]
        yield layer(tag, filters=4, kernel_size=2), (3, *shape)


def depthwise() -> Iterator[Case]:
    for rank in (1, 2):
        shape, tags = SHAPES[rank], [f"DepthwiseConv{rank}D", f"SeparableConv{rank}D"]
        for tag, padding, kernel, steps in product(
            tags,
            ["valid", "same"],
            [1, 3, 6],
            [{}, {"strides": 2}, {"dilation_rate": 3}, {"strides": 2, "dilation_rate": 2}],
        ):
            filters = {"filters": 5} if tag in tags[1:] else {}
            fields = {"kernel_size": kernel, "padding": padding, "depth_multiplier": 2}
            yield layer(tag, **fields, **filters, **steps), shape
        yield layer(tags[0], kernel_size=2, use_bias=False), shape
        yield layer(tags[1], filters=3, kernel_size=2, use_bias=False), shape
        yield layer(tags[0], kernel_size=2), shape[1:]
        yield layer(tags[1], filters=3, kernel_size=2), (3, *shape)


def transposed() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        tag = f"Conv{rank}DTranspose"
        for padding, kernel, strides, extra in product(
            ["valid", "same"], [1, 3, 4], [1, 2, 3], [None, 1, 2]
        ):
            fields = {"kernel_size": kernel, "padding": padding, "output_padding": extra}
            yield layer(tag, filters=3, strides=strides, **fields), shape
        yield layer(tag, filters=3, kernel_size=3, dilation_rate=2, use_bias=False), shape
        yield layer(tag, filters=3, kernel_size=3, dilation_rate=2, padding="same"), shape
        yield layer(tag, filters=3, kernel_size=3, dilation_rate=2, strides=2), shape
        yield layer(tag, filters=3, kernel_size=2), (3, *shape)


def inferred(case: Case) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    layer, shape = case
    try:
        return layer.infer_shape((shape,))
    except LayerFault:
        return None


def in_keras(case: Case) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    layer, shape = case
    try:
        built = keras_oracle.keras_build(layer, shape)
        return tuple(built.compute_output_shape((None, *shape))[1:])
    except (ValueError, IndexError):  # the latter from axes that are not there
        return None


CASES = [*convolutions(), *depthwise(), *transposed()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: keras_oracle.described(*case))
def test_the_shape_is_keras_or_both_refuse(case: Case) -> None:
    assert inferred(case) == in_keras(case)


@pytest.mark.parametrize("kernel", [2, 4])
@pytest.mark.parametrize("rank", SHAPES)
def test_an_output_padding_that_tensorflow_cannot_run_is_refused(rank: int, kernel: int) -> None:
    fields = {"kernel_size": kernel, "strides": 2, "padding": "same", "output_padding": 0}
    refused = layer(f"Conv{rank}DTranspose", filters=2, **fields)
    built = keras_oracle.keras_build(refused, SHAPES[rank])

    with pytest.raises(Exception, match="call"):  # TensorFlow's errors differ with its kernels
        built(np.zeros((1, *SHAPES[rank]), np.float32))

    assert inferred((refused, SHAPES[rank])) is None


# The products that the definitions add up.
COSTS: list[tuple[Layer, Shape, int]] = [
    (layer("Conv1D", filters=6, kernel_size=3, groups=2), (7, 4), 5 * 6 * (3 * 2)),
    (layer("Conv3D", filters=5, kernel_size=2), (3, 4, 5, 2), 2 * 3 * 4 * 5 * (8 * 2)),
    (layer("DepthwiseConv2D", kernel_size=3, depth_multiplier=2), (5, 6, 4), 3 * 4 * 8 * 9),
    (
        layer("SeparableConv1D", filters=5, kernel_size=3, depth_multiplier=2),
        (7, 4),
        5 * 8 * 3 + 5 * 8 * 5,
    ),
    (layer("Conv2DTranspose", filters=5, kernel_size=3, strides=2), (4, 3, 2), 4 * 3 * 2 * 9 * 5),
]


@pytest.mark.parametrize(("layer", "shape", "cost"), COSTS, ids=[case[0].tag for case in COSTS])
def test_multiply_adds_follow_the_definition(layer: Layer, shape: Shape, cost: int) -> None:
    assert layer.infer_cost((shape,)) == cost


def test_depthwise_convolutions_of_mobilenet_v2_have_its_parameters() -> None:
    # expanded_conv_depthwise and block_1_depthwise of keras.applications.MobileNetV2
    for channels, parameters in ((32, 288), (96, 864)):
        depthwise = layer("DepthwiseConv2D", kernel_size=3, padding="same", use_bias=False)
        (kernel,) = depthwise.infer_weights(((112, 112, channels),))

        assert kernel.shape == (3, 3, channels, 1)
        assert kernel.size == parameters


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    layers = [layer for layer, shape in CASES if inferred((layer, shape))]
    firsts = list({layer.tag: layer for layer in layers}.values())

    for first in firsts:
        graph, _ = infer("names", SHAPES[len(first.kernel_size)], [first])
        assert graph.output.name == keras_oracle.keras_layer(first).name


@pytest.mark.parametrize("rank", SHAPES)
def test_the_padding_of_a_transposed_convolution_is_described_as_its_own(rank: int) -> None:
    description = LAYERS[f"Conv{rank}DTranspose"].model_fields["padding"].description

    assert (
        description == "'valid' keeps every position that is reached; 'same' keeps size x stride."
    )
