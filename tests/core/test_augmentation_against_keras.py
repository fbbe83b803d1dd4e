"""Shapes, ranges, refusals and names of the layers of augmentation are Keras's own."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault
from netspec.language.layers.augmentation import (
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)

AUGMENTATION: list[Layer] = [
    RandomFlip(),
    RandomTranslation(height_factor=(-0.2, 0.2), width_factor=(0.1, 0.2)),
    RandomRotation(factor=(-0.1, 0.1)),
    RandomZoom(height_factor=(-0.2, 0.2)),
]


@pytest.mark.parametrize("layer", AUGMENTATION, ids=lambda layer: layer.tag)
def test_an_image_keeps_its_shape_and_nothing_else_is_taken(layer: Layer) -> None:
    keras_layer = keras_oracle.keras_layer(layer)

    assert (
        layer.infer_shape(((7, 5, 3),)) == keras_layer(keras.KerasTensor((None, 7, 5, 3))).shape[1:]
    )
    with pytest.raises((ValueError, IndexError)):
        keras_layer(keras.ops.ones((2, 7)))
    with pytest.raises(LayerFault):
        layer.infer_shape(((7,),))


FACTORS = [0.3, -0.3, [0.1, 0.4], [0.4, -0.1], 0, 1]


@pytest.mark.parametrize("factor", FACTORS, ids=str)
def test_a_factor_is_the_range_that_keras_makes_of_it(factor: Any) -> None:
    shifts = {"height_factor": factor, "width_factor": 0.5}
    shift = keras.layers.RandomTranslation(**shifts)
    turn = keras.layers.RandomRotation(factor)

    ours = RandomTranslation.model_validate(shifts)

    assert ours.height_factor == (shift.height_lower, shift.height_upper)
    assert RandomRotation.model_validate({"factor": factor}).factor == turn.factor


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("RandomTranslation", {"height_factor": 1.5, "width_factor": 0.1}),
    ("RandomTranslation", {"height_factor": 0.1, "width_factor": [-2.0, 0.1]}),
    ("RandomTranslation", {"height_factor": [0.1, 0.2, 0.3], "width_factor": 0.1}),
    ("RandomTranslation", {"height_factor": "far", "width_factor": 0.1}),
    ("RandomTranslation", {"height_factor": 0.1, "width_factor": 0.1, "fill_mode": "mirror"}),
    ("RandomRotation", {"factor": 1.5}),
    ("RandomRotation", {"factor": 0.1, "interpolation": "bicubic"}),
    ("RandomZoom", {"height_factor": [-1.0, 0.5]}),
    ("RandomZoom", {"height_factor": 0.1, "width_factor": 1.5}),
]


@pytest.mark.parametrize(("tag", "fields"), REFUSED, ids=str)
def test_what_keras_refuses_is_refused(tag: str, fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, NotImplementedError)):
        getattr(keras.layers, tag)(**fields)

    with pytest.raises(ValidationError):
        LAYERS[tag].model_validate(fields)


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)

    graph, _ = infer("names", (7, 5, 3), AUGMENTATION)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in AUGMENTATION
    ]
