"""Shapes, refusals and names of merging layers are Keras's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import pytest

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import Layer, LayerFault, Shape, Shapes
from netspec.language.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)

Case: TypeAlias = tuple[Layer, Shapes]

ELEMENTWISE = [Add(), Subtract(), Multiply(), Average(), Maximum(), Minimum()]
OTHERS: list[Shape] = [(4, 5, 3), (1, 1, 3), (4, 1, 1), (4, 5, 1), (4, 4, 3), (1, 5, 2)]


def elementwise() -> Iterator[Case]:
    for layer, shape in product(ELEMENTWISE, OTHERS):
        yield layer, ((4, 5, 3), shape)
    yield Subtract(), ((4,), (4,), (4,))
    yield Add(), ((4, 1), (1, 5), (4, 5))
    yield Add(), ((4, 1), (1, 5), (3, 5))


def concatenations() -> Iterator[Case]:
    for axis, second in product([-4, -3, -2, -1, 1, 2, 3, 4], [(4, 5, 2), (1, 5, 3), (4, 2, 3)]):
        yield Concatenate(axis=axis), ((4, 5, 3), second)
    yield Concatenate(), ((4,), (2,), (1,))


def dots() -> Iterator[Case]:
    for axes in [1, 2, 3, -1, [1, 1], [1, 2], [2, 1], [2, -1], [0, 1]]:
        for shapes in [((4, 3), (5, 3)), ((4, 3), (3,)), ((3, 4), (2, 3, 4)), ((3,), (3,))]:
            yield Dot.model_validate({"axes": axes}), shapes
    yield Dot.model_validate({"axes": -2}), ((4, 3), (4, 5))


CASES = [*elementwise(), *concatenations(), *dots()]


def inferred(layer: Layer, shapes: Shapes) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    try:
        layer.check_inputs(shapes)
        return layer.infer_shape(shapes)
    except LayerFault:
        return None


def in_keras(layer: Layer, shapes: Shapes) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    try:
        keras_layer = keras_oracle.keras_layer(layer)
        return tuple(keras_layer([keras.KerasTensor((None, *shape)) for shape in shapes]).shape[1:])
    except (ValueError, IndexError):  # the last from axes that are not there
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: keras_oracle.described(case[0], *case[1]))
def test_a_merge_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


@pytest.mark.parametrize("layer", [*ELEMENTWISE, Concatenate(), Dot(axes=(1, 1))], ids=str)
def test_a_merge_of_one_input_is_refused(layer: Layer) -> None:
    with pytest.raises(LayerFault):
        layer.check_inputs(((4,),))


@pytest.mark.parametrize("layer", ELEMENTWISE, ids=str)
def test_inputs_of_different_ranks_are_refused(layer: Layer) -> None:
    with pytest.raises(LayerFault):
        layer.infer_shape(((4, 5), (5,)))


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    layers = [*ELEMENTWISE, Concatenate(), Dot(axes=(1, 1))]
    read = {"inputs": ("a", "b")}

    graph, _ = infer(
        "n", {"a": (4,), "b": (4,)}, [layer.model_copy(update=read) for layer in layers]
    )

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]
