"""Recurrent layers have Keras's refusals, names and initial biases."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape
from netspec.numerics.initial import initial

TAGS = ["SimpleRNN", "LSTM", "GRU"]


def made(tag: str, **fields: Any) -> Layer:  # Any: the fields of a layer
    return LAYERS[tag].model_validate(fields)


REFUSED = [
    ("LSTM", {"units": 4}, (5,)),
    ("GRU", {"units": 4}, (5, 4, 3)),
    ("SimpleRNN", {"units": 0}, (5, 3)),
    ("LSTM", {"units": 4, "recurrent_activation": "rectify"}, (5, 3)),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: "{} {} on {}".format(*case))
def test_what_keras_refuses_is_refused(case: tuple[str, dict[str, Any], Shape]) -> None:
    tag, fields, shape = case
    with pytest.raises((ValueError, TypeError)):
        getattr(keras.layers, tag)(**fields)(keras.KerasTensor((None, *shape)))

    with pytest.raises((ValidationError, LayerFault)):
        LAYERS[tag].model_validate(fields).infer_shape((shape,))


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    layers = [made(tag, units=2, return_sequences=True) for tag in [*TAGS, *TAGS]]

    graph, _ = infer("names", (5, 3), layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]


@pytest.mark.parametrize("fields", [{}, {"bias_initializer": "ones"}, {"unit_forget_bias": False}])
def test_the_bias_of_an_lstm_begins_as_kerass(fields: dict[str, Any]) -> None:
    layer = made("LSTM", units=3, **fields)
    graph, _ = infer("bias", (5, 2), [layer])
    theirs = keras_oracle.keras_build(layer, (5, 2))

    np.testing.assert_array_equal(initial(graph, 0)["lstm.bias"], theirs.weights[2].numpy())


def test_the_parts_of_a_bias_around_the_forget_gate_are_drawn_as_weights_of_their_own() -> None:
    graph, _ = infer("bias", (5, 2), [made("LSTM", units=300, bias_initializer="lecun_uniform")])

    bias = initial(graph, 0)["lstm.bias"]

    # lecun_uniform is uniform within ±sqrt(3 / fan_in), and a vector's fan_in is its size.
    for part, size in [(bias[:300], 300), (bias[600:], 600)]:
        np.testing.assert_allclose(np.abs(part).max(), np.sqrt(3 / size), 3e-2)
        np.testing.assert_allclose(part.std(), np.sqrt(1 / size), 0.1)
    np.testing.assert_array_equal(bias[300:600], 1)


@pytest.mark.parametrize(("tag", "gates"), [("SimpleRNN", 1), ("LSTM", 4), ("GRU", 3)])
def test_every_step_multiplies_the_input_and_the_state_once_a_gate(tag: str, gates: int) -> None:
    assert made(tag, units=4).infer_cost(((5, 3),)) == 5 * gates * (3 + 4) * 4
