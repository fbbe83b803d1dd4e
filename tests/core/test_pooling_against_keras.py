"""Pooling of every rank has Keras's shapes, refusals and names."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import TypeAlias

import pytest

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape

Case: TypeAlias = tuple[Layer, Shape]

SPACES: dict[int, list[Shape]] = {1: [(8,), (5,), (1,)], 2: [(8, 5)], 3: [(4, 5, 6), (3, 1, 2)]}


def windows() -> Iterator[Case]:
    for kind, (rank, spaces) in product(["Max", "Average"], SPACES.items()):
        for space, size, strides, padding in product(
            spaces, [None, 1, 3, 5], [None, 1, 3], ["valid", "same"]
        ):
            fields = {"strides": strides, "padding": padding}
            fields |= {} if size is None else {"pool_size": size}
            yield LAYERS[f"{kind}Pooling{rank}D"].model_validate(fields), (*space, 3)


def whole() -> Iterator[Case]:
    for kind, rank, keepdims, shape in product(
        ["Max", "Average"], SPACES, [False, True], [(5,), (5, 4), (5, 4, 3), (5, 4, 3, 2)]
    ):
        layer = LAYERS[f"Global{kind}Pooling{rank}D"]
        yield layer.model_validate({"keepdims": keepdims}), shape


def inferred(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    try:
        return layer.infer_shape((shape,))
    except LayerFault:
        return None


def in_keras(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    try:
        tensor = keras.KerasTensor((None, *shape))
        return tuple(keras_oracle.keras_layer(layer)(tensor).shape[1:])
    except ValueError:
        return None


@pytest.mark.parametrize(
    "case", [*windows(), *whole()], ids=lambda case: keras_oracle.described(*case)
)
def test_a_pool_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(*case) == in_keras(*case)


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    kinds = ["MaxPooling", "AveragePooling", "GlobalMaxPooling", "GlobalAveragePooling"]

    for tag in [f"{kind}{rank}D" for kind, rank in product(kinds, SPACES)]:
        layer = LAYERS[tag].model_validate({})
        graph, _ = infer("names", (8,) * (int(tag[-2]) + 1), [layer])

        assert [node.name for node in graph.nodes] == [keras_oracle.keras_layer(layer).name]
