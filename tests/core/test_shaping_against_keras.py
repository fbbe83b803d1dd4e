"""Layers that move values have Keras's shapes, refusals and names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, LayerFault, Shape

Case: TypeAlias = tuple[str, dict[str, Any], Shape]  # Any: the values of a layer's fields

SHAPES: dict[int, Shape] = {1: (5, 2), 2: (4, 5, 2), 3: (3, 4, 5, 2)}
SIDES: dict[int, list[Any]] = {
    1: [0, 1, 2, 3, [0, 4], [2, 1], [5, 0], [1], [1, 2, 3], [-1, 1], [[1, 2]]],
    2: [0, 1, 2, [1, 0], [0, 3], [[1, 2], [3, 0]], [[0, 4], [0, 0]], [1, [2, 0]], [1], [1, -1]],
    3: [0, 1, 2, [1, 0, 2], [0, 0, 3], [[1, 1], [0, 3], [2, 2]], [1, [0, 2], 0], [1, 2]],
}


def sided() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        for sides in SIDES[rank]:
            yield f"ZeroPadding{rank}D", {"padding": sides}, shape
            yield f"Cropping{rank}D", {"cropping": sides}, shape
        yield f"ZeroPadding{rank}D", {}, shape
        yield f"Cropping{rank}D", {}, shape
        yield f"ZeroPadding{rank}D", {}, shape[1:]
        yield f"Cropping{rank}D", {}, (2, *shape)


def upsampled() -> Iterator[Case]:
    for rank, shape in SHAPES.items():
        for fields in [{}, {"size": 1}, {"size": 3}, {"size": 0}, {"size": [2, 3]}]:
            yield f"UpSampling{rank}D", fields, shape
        yield f"UpSampling{rank}D", {}, shape[1:]
    yield "UpSampling2D", {"size": [1, 3], "interpolation": "bilinear"}, (4, 5, 2)
    yield "UpSampling3D", {"size": [1, 3, 2]}, (3, 4, 5, 2)


def reordered() -> Iterator[Case]:
    for target in [
        *([6, 4], [24], [-1], [2, -1, 3], [4, 3, 2, 1]),
        *([5, -1], [25], [-1, -1], [0, 24], [0, -1], [-2, 12]),
    ]:
        yield "Reshape", {"target_shape": target}, (2, 3, 4)
    for dims in [[1, 2, 3], [3, 1, 2], [2, 1], [1, 2, 3, 4], [1, 1, 2], [0, 1, 2], [2, 3, 4]]:
        yield "Permute", {"dims": dims}, (2, 3, 4)
    yield "Permute", {"dims": [2, 1]}, (2, 3)
    for n, shape in [(1, (4,)), (3, (4,)), (0, (4,)), (2, (4, 2))]:
        yield "RepeatVector", {"n": n}, shape


def inferred(case: Case) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    tag, fields, shape = case
    try:
        return LAYERS[tag].model_validate(fields).infer_shape((shape,))
    except (ValidationError, LayerFault):
        return None


def in_keras(case: Case) -> Shape | None:
    """The output shape that Keras computes for the same fields, or None where it refuses."""
    tag, fields, shape = case
    try:
        keras_layer = getattr(keras.layers, tag)(**fields)
        return tuple(keras_layer(keras.KerasTensor((None, *shape))).shape[1:])
    except (ValueError, TypeError):
        return None


@pytest.mark.parametrize(
    "case", [*sided(), *upsampled(), *reordered()], ids=lambda case: "{} {} on {}".format(*case)
)
def test_a_layer_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(case) == in_keras(case)


NEEDED: dict[str, dict[str, Any]] = {
    "Reshape": {"target_shape": [2, 4]},
    "Permute": {"dims": [1]},
    "RepeatVector": {"n": 2},
}


@pytest.mark.parametrize("tag", sorted({tag for tag, *_ in [*sided(), *upsampled(), *reordered()]}))
def test_automatic_names_are_keras_own(tag: str) -> None:
    keras.backend.clear_session(free_memory=False)
    layer = LAYERS[tag].model_validate(NEEDED.get(tag, {}))
    shape = SHAPES[int(tag[-2])] if tag.endswith("D") else (8,)

    graph, _ = infer("names", shape, [layer])

    assert [node.name for node in graph.nodes] == [keras_oracle.keras_layer(layer).name]
