"""The table covers the vocabulary, and every backend lowers all of it."""

from __future__ import annotations

from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from conformance.gradients import declaration_of
from conformance.networks import BACKENDS
from netspec.language.layers import LAYERS, Layer
from netspec.testing.cases import ACTIVATIONS, ALL, CASES, Case
from netspec.testing.networks import of_case
from netspec_numpy import BACKEND as NUMPY


def layers_of(case: Case) -> list[Layer]:
    return list(of_case(case).spec.layers)


@pytest.mark.parametrize("tag", LAYERS)
def test_the_table_covers_the_layer(tag: str) -> None:
    assert any(layer.tag == tag for case in CASES[tag] for layer in layers_of(case))


def _choices(field: FieldInfo) -> tuple[Any, ...]:
    """The words of a field that takes one of several."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def options() -> list[tuple[str, str]]:
    """Every field that changes values. A name does not. Fields that matter only to training have other tests."""
    return [
        (tag, field)
        for tag, layer in LAYERS.items()
        for field, info in layer.model_fields.items()
        if len(_choices(info)) != 1
        and field not in Layer.model_fields
        and not field.endswith(("_initializer", "_regularizer", "_constraint"))
    ]


@pytest.mark.parametrize(("tag", "field"), options())
def test_the_table_covers_the_option(tag: str, field: str) -> None:
    default = LAYERS[tag].model_fields[field].default

    cases = [layer for case in CASES[tag] for layer in layers_of(case) if layer.tag == tag]
    values = {getattr(layer, field) for layer in cases}

    assert values - {default}


# All layers of a backend have the same activations, so three layers are enough.
@pytest.mark.parametrize("tag", ["Activation", "Conv2D", "Dense"])
def test_the_table_covers_every_activation_of_the_layer(tag: str) -> None:
    layers: list[Any] = [layer for case in CASES[tag] for layer in layers_of(case)]

    assert {layer.activation for layer in layers} == set(ACTIVATIONS)


def test_no_case_stands_in_the_table_twice() -> None:
    assert len(set(ALL)) == len(ALL)


@pytest.mark.parametrize("name", BACKENDS)
def test_every_layer_is_lowered_or_has_a_declared_gap(name: str) -> None:
    declaration = declaration_of(name)

    assert LAYERS.keys() - declaration.layers == declaration.gaps.keys() & LAYERS.keys()


def test_the_numpy_backend_has_every_layer() -> None:
    assert NUMPY.declaration().layers == LAYERS.keys()
