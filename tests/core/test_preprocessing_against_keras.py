"""Preprocessing has Keras's shapes, refusals, names, and no weights, as in Keras."""

from __future__ import annotations

from typing import Any, TypeAlias

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras, tf
from netspec.graph import infer
from netspec.language.layers import LAYERS, LayerFault, Shape

Case: TypeAlias = tuple[str, dict[str, Any], Shape]  # Any: the values of a layer's fields

NORMALIZATIONS: list[tuple[dict[str, Any], Shape]] = [
    ({"mean": 1, "variance": 2}, (4, 5, 3)),
    ({"mean": [1, 2, 3], "variance": [1, 2, 3]}, (4, 5, 3)),
    ({"mean": [1, 2], "variance": [1, 2]}, (4, 5, 3)),
    ({"mean": [1, 2, 3], "variance": [1, 2]}, (4, 5, 3)),
    ({"mean": 1}, (4, 5, 3)),
    ({"axis": 1, "mean": [1, 2, 3, 4], "variance": [1, 2, 3, 4]}, (4, 5, 3)),
    ({"axis": [1, 2], "mean": [1, 2, 3, 4, 5], "variance": [1, 2, 3, 4, 5]}, (4, 5, 3)),
    ({"axis": [2, 1], "mean": [1, 2, 3, 4], "variance": [1, 2, 3, 4]}, (4, 5, 3)),
    ({"axis": None, "mean": 1, "variance": 2}, (4, 5, 3)),
    ({"axis": None, "mean": [1, 2, 3], "variance": [1, 2, 3]}, (4, 5, 3)),
    ({"axis": 0, "mean": 1, "variance": 2}, (4,)),
    ({"axis": 2, "mean": 1, "variance": 2}, (4,)),
    ({"axis": -2, "mean": 1, "variance": 2}, (4,)),
]
CASES: list[Case] = [
    *(("Normalization", fields, shape) for fields, shape in NORMALIZATIONS),
    ("Rescaling", {"scale": 2}, (4, 5, 3)),
    ("Rescaling", {"scale": [1, 2, 3], "offset": 1}, (4, 5, 3)),
    ("Rescaling", {"scale": [1, 2]}, (4, 5, 3)),
    ("Rescaling", {"scale": 1, "offset": [1, 2]}, (3,)),
    ("Rescaling", {}, (3,)),
    ("CenterCrop", {"height": 2, "width": 9}, (4, 5, 3)),
    ("CenterCrop", {"height": 2}, (4, 5, 3)),
    ("Resizing", {"height": 2, "width": 9}, (4, 5, 3)),
    ("Resizing", {"height": 2, "width": 9, "interpolation": "nearest"}, (4, 5, 3)),
    ("Resizing", {"height": 2, "width": 9, "interpolation": "trilinear"}, (4, 5, 3)),
    ("Resizing", {"height": 2, "width": 9, "fill_mode": "reflect"}, (4, 5, 3)),
    (
        "Resizing",
        {"height": 2, "width": 2, "crop_to_aspect_ratio": True, "pad_to_aspect_ratio": True},
        (4, 5, 3),
    ),
]


def inferred(case: Case) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    tag, fields, shape = case
    try:
        return LAYERS[tag].model_validate(fields).infer_shape((shape,))
    except (ValidationError, LayerFault):
        return None


def in_keras(case: Case) -> Shape | None:
    """The shape of what Keras returns for an example, or None where it refuses."""
    tag, fields, shape = case
    try:
        layer = getattr(keras.layers, tag)(**fields)
        layer.build((None, *shape))
        return tuple(layer(keras.ops.zeros((1, *shape))).shape[1:])
    except (ValueError, TypeError, tf.errors.InvalidArgumentError):
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: "{} {} on {}".format(*case))
def test_a_layer_has_keras_shape_or_both_refuse(case: Case) -> None:
    assert inferred(case) == in_keras(case)


FIELDS: dict[str, dict[str, Any]] = {
    "Rescaling": {"scale": [1, 2, 3]},
    "Normalization": {"mean": [1, 2, 3], "variance": [1, 2, 3]},
    "CenterCrop": {"height": 2, "width": 2},
    "Resizing": {"height": 2, "width": 2},
}


@pytest.mark.parametrize("tag", FIELDS)
def test_a_layer_has_keras_name_and_no_weights(tag: str) -> None:
    keras.backend.clear_session(free_memory=False)
    layer = LAYERS[tag].model_validate(FIELDS[tag])
    theirs = keras_oracle.keras_build(layer, (4, 5, 3))

    graph, _ = infer("names", (4, 5, 3), [layer])

    assert [node.name for node in graph.nodes] == [theirs.name]
    assert [*graph.weights()] == theirs.weights == []
