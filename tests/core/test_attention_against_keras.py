"""Layers of attention have Keras's shapes and weights, in its order, and its refusals."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape

Case = tuple[str, dict[str, Any], tuple[Shape, ...]]

QUERY, VALUE, KEY = (3, 4), (5, 6), (5, 2)
HEADS = {"num_heads": 2, "key_dim": 3}
GROUPS = {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}

CASES: list[Case] = [
    ("MultiHeadAttention", HEADS, (QUERY,)),
    ("MultiHeadAttention", {**HEADS, "value_dim": 5, "use_bias": False}, (QUERY, VALUE)),
    ("MultiHeadAttention", {**HEADS, "output_shape": 7}, (QUERY, VALUE, KEY)),
    ("GroupedQueryAttention", GROUPS, (QUERY,)),
    ("GroupedQueryAttention", {**GROUPS, "use_bias": False}, (QUERY, (5, 4))),
    ("GroupedQueryAttention", {**GROUPS, "use_gate": True}, (QUERY, (5, 4), KEY)),
    ("Attention", {}, (QUERY, (5, 4))),
    ("Attention", {"use_scale": True, "score_mode": "concat"}, (QUERY, VALUE, (5, 4))),
    ("AdditiveAttention", {}, (QUERY, VALUE, (5, 4))),
    ("AdditiveAttention", {"use_scale": False}, (QUERY, (5, 4))),
]


def made(tag: str, fields: dict[str, Any]) -> Layer:
    return LAYERS[tag].model_validate(fields)


@pytest.mark.parametrize("case", CASES, ids=lambda case: "{} {} on {}".format(*case))
def test_the_shape_and_the_weights_are_keras_own(case: Case) -> None:
    tag, fields, shapes = case
    layer = made(tag, fields)
    theirs = keras_oracle.keras_build(layer, *shapes)
    batched = [(None, *shape) for shape in shapes]
    tensors = keras_oracle.keras_inputs(layer, batched)

    assert layer.infer_shape(shapes) == tuple(theirs.compute_output_shape(*tensors)[1:])
    assert [
        (f"/{weight.name.replace('.', '/')}", weight.shape, weight.trainable)
        for weight in layer.infer_weights(shapes)
    ] == [
        (variable.path.removeprefix(theirs.name), tuple(variable.shape), variable.trainable)
        for variable in theirs.weights
    ]


REFUSED: list[Case] = [
    ("MultiHeadAttention", {**HEADS, "num_heads": 0}, (QUERY,)),
    ("MultiHeadAttention", HEADS, (QUERY, VALUE, (4, 2))),
    ("Attention", {}, (QUERY,)),
    ("Attention", {}, (QUERY, VALUE)),
    ("Attention", {"score_mode": "sum"}, (QUERY, (5, 4))),
    ("AdditiveAttention", {}, (QUERY, VALUE)),
    ("AdditiveAttention", {}, (QUERY, (5, 4), (5, 4), (5, 4))),
]


@pytest.mark.parametrize("case", REFUSED, ids=lambda case: "{} {} on {}".format(*case))
def test_what_keras_refuses_is_refused(case: Case) -> None:
    tag, fields, shapes = case
    tensors = [keras.ops.ones((2, *shape)) for shape in shapes]
    arguments = [*tensors, *tensors] if len(tensors) == 1 else tensors
    with pytest.raises(Exception):
        theirs = getattr(keras.layers, tag)(**fields)
        theirs(*arguments) if tag == "MultiHeadAttention" else theirs(tensors)

    with pytest.raises((ValidationError, LayerFault)):
        layer = made(tag, fields)
        layer.check_inputs(shapes)
        layer.infer_shape(shapes)


def test_groups_that_keras_refuses_are_refused() -> None:
    uneven = {**GROUPS, "num_key_value_heads": 3}
    with pytest.raises(ValueError, match="divisible"):
        keras.layers.GroupQueryAttention(**uneven)
    with pytest.raises(ValueError, match="last dimension"):
        keras.layers.GroupQueryAttention(**GROUPS).compute_output_shape((2, 3, 4), (2, 5, 6))

    with pytest.raises(LayerFault, match="cannot be divided into 3 groups"):
        made("GroupedQueryAttention", uneven).infer_shape((QUERY,))
    with pytest.raises(LayerFault, match="4 features, and the value 6"):
        made("GroupedQueryAttention", GROUPS).infer_shape((QUERY, VALUE))


def test_a_window_through_which_a_step_sees_nothing_is_refused() -> None:
    layer = made("GroupedQueryAttention", {**GROUPS, "sliding_window": 2})

    assert layer.infer_shape(((4, 6), (3, 6))) == (4, 6)
    with pytest.raises(LayerFault, match="sees none of the 3 steps"):
        layer.infer_shape(((5, 6), (3, 6)))


def test_the_cost_of_groups_is_that_of_projections_and_pairs() -> None:
    layer = made("GroupedQueryAttention", {**GROUPS, "use_gate": True})
    of_query = 3 * 4 * (4 * 3) * 2  # the query and the gate, into four heads of 3
    of_value = 5 * 4 * (2 * 3) + 5 * 2 * (2 * 3)
    products = 2 * 4 * (3 * 5) * 3

    cost = layer.infer_cost((QUERY, (5, 4), KEY))
    assert cost == of_query + of_value + products + 3 * (4 * 3) * 4


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    both = {"inputs": ["input", "input"]}
    layers = [
        made("MultiHeadAttention", HEADS),
        *(made(tag, both) for tag in ("Attention", "AdditiveAttention", "Attention")),
    ]

    graph, _ = infer("names", QUERY, layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]


def test_the_cost_counts_projections_and_both_products() -> None:
    heads = made("MultiHeadAttention", {**HEADS, "value_dim": 5, "output_shape": 7})
    scores = made("Attention", {})

    into = 3 * 4 * 2 * 3 + 5 * 2 * 2 * 3 + 5 * 6 * 2 * 5  # query, key and value
    products = 2 * 3 * 5 * 3 + 2 * 3 * 5 * 5
    assert heads.infer_cost((QUERY, VALUE, KEY)) == into + products + 3 * 2 * 5 * 7
    assert scores.infer_cost((QUERY, (5, 4))) == 3 * 5 * 4 + 3 * 5 * 4
