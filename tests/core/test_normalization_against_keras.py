"""Shapes, refusals and names of normalization layers are Keras's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import pytest

import keras_oracle
from keras_oracle import keras, tf
from netspec.graph import infer
from netspec.language.layers import Layer, LayerFault, Shape
from netspec.language.layers.normalization import (
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)

Case: TypeAlias = tuple[Layer, Shape]
SHAPES: list[Shape] = [(6,), (4, 6), (7, 5, 4)]


def cases() -> Iterator[Case]:
    for shape, axes in product(SHAPES, [(-1,), (1,), (2, 1), (-1, 1), (4,), (-5,)]):
        yield LayerNormalization(axis=axes), shape
    yield LayerNormalization(scale=False), (6,)
    yield LayerNormalization(center=False), (6,)
    for shape, axis, groups in product(SHAPES, [-2, -1, 1, 2], [-1, 1, 2, 4, 5]):
        yield GroupNormalization(axis=axis, groups=groups), shape
    yield GroupNormalization(), (6,)
    yield GroupNormalization(groups=2, scale=False, center=False), (6,)
    for shape in SHAPES:
        yield RMSNormalization(), shape
        yield UnitNormalization(), shape
    yield RMSNormalization(axis=(2, 3)), (7, 5, 4)


CASES = [*cases()]


def inferred(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    try:
        return layer.infer_shape((shape,))
    except LayerFault:
        return None


def in_keras(layer: Layer, shape: Shape) -> Shape | None:
    """The shape of what Keras computes, or None where it refuses."""
    try:
        built = keras_oracle.keras_build(layer, shape)
        return tuple(built(keras.ops.ones((2, *shape))).shape[1:])
    except (ValueError, IndexError, tf.errors.InvalidArgumentError):
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: keras_oracle.described(*case))
def test_a_layer_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


@pytest.mark.parametrize("axes", [(1,), (2,), (1, 2), (1, 3)])
def test_axes_that_the_scale_of_keras_does_not_fit_are_refused(axes: tuple[int, ...]) -> None:
    layer = RMSNormalization(axis=axes)

    assert in_keras(layer, (7, 5, 4)) is None
    assert inferred(layer, (7, 5, 4)) is None


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    layers = [
        LayerNormalization(),
        GroupNormalization(groups=2),
        RMSNormalization(),
        UnitNormalization(),
    ]

    graph, _ = infer("names", (4,), layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]
