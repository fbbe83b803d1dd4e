"""Convolutions of every rank have Keras's shapes, refusals, weights and names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias

import pytest

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.layers import LAYERS, Layer, LayerFault, Shape

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


def inferred(case: Case) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    layer, shape = case
    try:
        return layer.output_shape(shape)
    except LayerFault:
        return None


def in_keras(case: Case) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    layer, shape = case
    try:
        built = keras_oracle.keras_build(layer, shape)
        return tuple(built.compute_output_shape((None, *shape))[1:])
    except ValueError:
        return None


CASES = [*convolutions()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: keras_oracle.described(*case))
def test_the_shape_is_keras_or_both_refuse(case: Case) -> None:
    assert inferred(case) == in_keras(case)


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if inferred(case)],
    ids=lambda case: keras_oracle.described(*case),
)
def test_the_weights_are_keras_own(case: Case) -> None:
    layer, shape = case
    theirs = keras_oracle.keras_build(layer, shape).weights

    ours = [(one.name, one.shape, one.trainable) for one in layer.weights(shape)]

    assert ours == [(one.name, tuple(one.shape), one.trainable) for one in theirs]


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session()
    layers = [layer for layer, shape in CASES if inferred((layer, shape))]
    firsts = list({layer.tag: layer for layer in layers}.values())

    for first in firsts:
        graph, _ = infer("names", SHAPES[len(first.kernel_size)], [first])
        assert graph.output.name == keras_oracle.keras_layer(first).name
