"""Shapes, refusals and names of the layers of regularization are Keras's own."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape
from netspec.language.layers.regularization import (
    GaussianDropout,
    GaussianNoise,
    SpatialDropout1D,
    SpatialDropout2D,
    SpatialDropout3D,
)

LAYERS_OF_NOISE: list[Layer] = [
    SpatialDropout1D(rate=0.5),
    SpatialDropout2D(rate=0.5),
    SpatialDropout3D(rate=0.5),
    GaussianNoise(stddev=0.5),
    GaussianDropout(rate=0.5),
]


@pytest.mark.parametrize("shape", [(4,), (4, 6), (7, 5, 4), (2, 7, 5, 4)], ids=str)
@pytest.mark.parametrize("layer", LAYERS_OF_NOISE, ids=lambda layer: layer.tag)
def test_a_layer_has_keras_shape_or_both_refuse(layer: Layer, shape: Shape) -> None:
    try:
        theirs = keras_oracle.keras_layer(layer)(keras.KerasTensor((None, *shape))).shape[1:]
    except ValueError:
        theirs = None

    try:
        ours = layer.infer_shape((shape,))
    except LayerFault:
        ours = None

    assert ours == theirs


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("SpatialDropout2D", {"rate": -0.1}),
    ("SpatialDropout1D", {"rate": 1.5}),
    ("GaussianNoise", {"stddev": -0.1}),
    ("GaussianNoise", {"stddev": 1.5}),
    ("GaussianDropout", {"rate": 1.5}),
]


@pytest.mark.parametrize(("tag", "fields"), REFUSED, ids=str)
def test_what_keras_refuses_is_refused(tag: str, fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="Invalid value"):
        getattr(keras.layers, tag)(**fields)

    with pytest.raises(ValidationError):
        LAYERS[tag].model_validate(fields)


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    for layer in LAYERS_OF_NOISE:
        graph, _ = infer("names", (2,) * (getattr(layer, "rank", 1) + 1), [layer])

        assert graph.output.name == keras_oracle.keras_layer(layer).name
