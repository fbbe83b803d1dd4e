"""Shapes, refusals and names of the layers of the core are Keras's own."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import Any, TypeAlias, get_args

import pytest
from pydantic import ValidationError

import keras_oracle
from keras_oracle import keras, tf
from netspec.graph import infer
from netspec.language.layers import LAYERS, Layer, LayerFault, Shape
from netspec.language.layers.activations import LEFT_OUT, ActivationName
from netspec.language.layers.core import (
    ELU,
    Activation,
    EinsumDense,
    Embedding,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)

Case: TypeAlias = tuple[Layer, Shape]
SHAPES: list[Shape] = [(4,), (4, 6), (7, 5, 4)]


EINSUMS: list[tuple[str, list[int], str | None, Shape]] = [
    ("ab,bc->ac", [5], None, (4,)),
    ("ab,bc->ac", [5], "c", (4,)),
    ("abc,cd->abd", [3, 5], "bd", (3, 4)),
    ("abc,cde->abde", [3, 2, 5], "e", (3, 4)),
    ("abc,cde->aebd", [5, 3, 2], "ed", (3, 4)),
    ("...c,cd->...d", [5], "d", (3, 4)),
    ("...c,cd->...d", [5], "d", (3, 3, 4)),
    ("...ab,bc->...ac", [5], "c", (4,)),
    ("...bc,bcd->...d", [5], "d", (7, 3, 4)),
    ("ab...,bd->ad...", [5], "d", (3, 7, 4)),
    ("abc,b->ac", [4], "c", (3, 4)),
]


def einsum_dense(equation: str, sizes: list[int], bias_axes: str | None = None) -> EinsumDense:
    fields = {"equation": equation, "output_shape": sizes, "bias_axes": bias_axes}
    return EinsumDense.model_validate(fields)


def cases() -> Iterator[Case]:
    for shape in SHAPES:
        yield Embedding(input_dim=10, output_dim=3), shape
        yield from ((layer, shape) for layer in [ReLU(max_value=2.0), LeakyReLU(), ELU()])
        yield from ((layer, shape) for layer in [PReLU(), Softmax(), Softmax(axis=(1,))])
        yield Identity(), shape
    for axes, shape in product([1, 2, 3, 4, [1, 2]], SHAPES[1:]):
        yield PReLU.model_validate({"shared_axes": axes}), shape
    for equation, sizes, bias_axes, shape in EINSUMS:
        yield einsum_dense(equation, sizes, bias_axes), shape


CASES = [*cases()]


def inferred(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that netspec infers, or None where it refuses."""
    try:
        return layer.infer_shape((shape,))
    except LayerFault:
        return None


def in_keras(layer: Layer, shape: Shape) -> Shape | None:
    """The output shape that Keras computes, or None where it refuses."""
    try:
        built = keras_oracle.keras_build(layer, shape)
        return tuple(built.compute_output_shape((None, *shape))[1:])
    except IndexError:  # an axis that is not there
        return None


@pytest.mark.parametrize("case", CASES, ids=lambda case: keras_oracle.described(*case))
def test_a_layer_has_keras_shape_or_both_refuse(case: Case) -> None:
    layer, shape = case
    assert inferred(layer, shape) == in_keras(layer, shape)


@pytest.mark.parametrize("axes", [[2], [-3], [1, 1]])
def test_an_axis_of_softmax_that_tensorflow_refuses_is_refused(axes: list[int]) -> None:
    layer = Softmax.model_validate({"axis": axes})
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        keras_oracle.keras_layer(layer)(keras.ops.zeros((2, 3)))

    assert inferred(layer, (3,)) is None


@pytest.mark.parametrize(
    ("equation", "sizes", "bias_axes"),
    [
        ("abc", [3, 5], None),
        ("abc,cd->abe", [3, 5], None),
        ("abc,cde->abd", [3, 5], None),
        ("abc,cd->abd", [2, 5], None),
        ("abc,cd->abd", [3, 5], "c"),
    ],
)
def test_an_equation_that_keras_refuses_is_refused(
    equation: str, sizes: list[int], bias_axes: str | None
) -> None:
    layer = einsum_dense(equation, sizes, bias_axes)
    with pytest.raises(ValueError, match=r"equation|dimension|Dimension"):
        keras_oracle.keras_build(layer, (3, 4))

    assert inferred(layer, (3, 4)) is None


@pytest.mark.parametrize(
    ("equation", "sizes", "bias_axes"),
    [
        ("abc,cd->bad", [3, 5], None),
        ("abc,ad->abd", [3, 5], None),
        ("abb,bd->ad", [5], None),
        ("ab,bd->ad", [5], None),
        ("abc,cd->abd", [5], None),
        ("abc,cd->abd", [3, 5], "a"),
        ("abc,bc->a", [3], None),
    ],
)
def test_an_equation_that_mixes_examples_or_does_not_fit_is_refused(
    equation: str, sizes: list[int], bias_axes: str | None
) -> None:
    assert inferred(einsum_dense(equation, sizes, bias_axes), (3, 4)) is None


def test_an_ellipsis_whose_sizes_keras_reverses_is_refused() -> None:
    layer = einsum_dense("...c,cd->...d", [5])

    assert in_keras(layer, (7, 3, 4)) == (3, 7, 5)
    assert inferred(layer, (7, 3, 4)) is None


def test_the_cost_of_an_einsum_is_its_products() -> None:
    assert einsum_dense("abc,cde->abde", [3, 2, 5]).infer_cost(((3, 4),)) == 3 * 4 * 2 * 5


REFUSED: list[tuple[str, dict[str, Any]]] = [
    ("Embedding", {"input_dim": 0, "output_dim": 3}),
    ("Embedding", {"input_dim": 3, "output_dim": -1}),
    ("ReLU", {"max_value": -1.0}),
    ("ReLU", {"negative_slope": -0.1}),
    ("ReLU", {"negative_slope": None}),
    ("ReLU", {"threshold": -0.5}),
    ("LeakyReLU", {"negative_slope": -0.1}),
]


@pytest.mark.parametrize(("tag", "fields"), REFUSED, ids=str)
def test_what_keras_refuses_is_refused(tag: str, fields: dict[str, Any]) -> None:
    with pytest.raises((ValueError, TypeError)):
        getattr(keras.layers, tag)(**fields)

    with pytest.raises(ValidationError):
        LAYERS[tag].model_validate(fields)


def test_automatic_names_are_keras_own() -> None:
    keras.backend.clear_session(free_memory=False)
    layers: list[Layer] = [Embedding(input_dim=2, output_dim=2), ReLU(), LeakyReLU(), PReLU()]
    layers += [ELU(), Softmax(), Identity()]

    graph, _ = infer("names", (4,), layers)

    assert [node.name for node in graph.nodes] == [
        keras_oracle.keras_layer(layer).name for layer in layers
    ]


def test_the_activations_are_keras_own() -> None:
    named = {name for name in dir(keras.activations) if not name.startswith("_")}
    known = {*get_args(ActivationName), *LEFT_OUT, "swish", "hard_swish"}

    assert known == named - {"get", "serialize", "deserialize"}


@pytest.mark.parametrize("name", ["swish", "hard_swish"])
def test_an_activation_of_two_names_is_one(name: str) -> None:
    activation = Activation.model_validate({"activation": name}).activation

    assert getattr(keras.activations, activation) is keras.activations.get(name)
