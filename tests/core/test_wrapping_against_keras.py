"""Layers around a layer have Keras's order of weights, its refusals and its names."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape


def made(tag: str, fields: dict[str, Any]) -> Layer:
    return LAYERS[tag].model_validate(fields)


def test_the_forward_weights_come_first() -> None:
    layer = made("Bidirectional", {"layer": {"LSTM": {"units": 4}}})
    theirs = keras_oracle.keras_build(layer, (5, 3))

    of_layers = [variable.path.split("/")[-3].split("_")[0] for variable in theirs.weights]
    assert [weight.name.split(".")[0] for weight in layer.infer_weights(((5, 3),))] == of_layers


REFUSED = [
    ("Bidirectional", {"layer": {"LSTM": {"units": 4}}}, (5,)),
    ("Bidirectional", {"layer": {"LSTM": {"units": 4}}, "merge_mode": "max"}, (5, 3)),
    ("Bidirectional", {"layer": {"LSTM": {"units": 4, "go_backwards": True}}}, (5, 3)),
    ("TimeDistributed", {"layer": {"Dense": {"units": 4}}}, (5,)),
    ("TimeDistributed", {"layer": {"Conv2D": {"filters": 4, "kernel_size": 3}}}, (5, 2, 2, 3)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: "{} {} on {}".format(*case))
def test_what_keras_refuses_is_refused(case: tuple[str, dict[str, Any], Shape]) -> None:
    tag, fields, shape = case
    ((inner, options),) = fields["layer"].items()
    with pytest.raises(ValueError):
        within = getattr(keras.layers, inner)(**options)
        getattr(keras.layers, tag)(**{**fields, "layer": within})(keras.KerasTensor((None, *shape)))

    with pytest.raises((ValidationError, LayerFault)):
        made(tag, fields).infer_shape((shape,))


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    sequences = {"layer": {"LSTM": {"units": 4, "return_sequences": True}}}
    layers = [
        made("Bidirectional", sequences),
        made("TimeDistributed", {"layer": {"Dense": {"units": 4}}}),
        made("Bidirectional", sequences),
    ]

    graph, _ = infer("names", (5, 3), layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]


def test_the_cost_is_that_of_what_is_inside_every_time_that_it_runs() -> None:
    both = made("Bidirectional", {"layer": {"LSTM": {"units": 4}}})
    steps = made("TimeDistributed", {"layer": {"Dense": {"units": 4}}})

    assert both.infer_cost(((5, 3),)) == 2 * 5 * 4 * (3 + 4) * 4
    assert steps.infer_cost(((5, 3),)) == 5 * 3 * 4
