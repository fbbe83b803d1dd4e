"""The table covers the vocabulary, and every backend lowers all of it."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Literal, get_args, get_origin

import pytest
from pydantic.fields import FieldInfo

from conformance.cases import ACTIVATIONS, ALL, CASES, Case
from conformance.networks import of_case
from netspec.language.layers import LAYERS, Layer

REGISTRIES = {
    "keras": ("netspec_keras.lower", "lower"),
    "torch": ("netspec_torch.lower", "lower_layer"),
    "onnx": ("netspec_onnx.lower", "lower"),
}
"""The module of a backend's singledispatch function, and its name."""

GAPS: dict[tuple[str, str], str] = {}
"""What a backend does not lower: (backend, layer) to the reason."""


PASSES = dict.fromkeys(("torch", "onnx"), ("TimeDistributed",))
"""The layers that a pass replaces before a backend lowers the graph."""


def layers_of(case: Case) -> list[Layer]:
    return list(of_case(case).spec.layers)


@pytest.mark.parametrize("tag", LAYERS)
def test_the_table_covers_the_layer(tag: str) -> None:
    assert any(layer.tag == tag for case in CASES[tag] for layer in layers_of(case))


def _choices(field: FieldInfo) -> tuple[Any, ...]:
    """The words of a field that takes one of several."""
    return get_args(field.annotation) if get_origin(field.annotation) is Literal else ()


def options() -> list[tuple[str, str]]:
    """Every field that changes values; a name does not, and what matters to training alone has tests of its own."""
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

    own = [it for case in CASES[tag] for it in layers_of(case) if it.tag == tag]
    values = {getattr(layer, field) for layer in own}

    assert values - {default}


# Every backend gives all layers the same activations, so three of them show it for the others.
@pytest.mark.parametrize("tag", ["Activation", "Conv2D", "Dense"])
def test_the_table_covers_every_activation_of_the_layer(tag: str) -> None:
    layers: list[Any] = [layer for case in CASES[tag] for layer in layers_of(case)]

    assert {layer.activation for layer in layers} == set(ACTIVATIONS)


def test_no_case_stands_in_the_table_twice() -> None:
    assert len(set(ALL)) == len(ALL)


@pytest.mark.parametrize("tag", LAYERS)
@pytest.mark.parametrize("backend", REGISTRIES)
def test_every_layer_is_lowered_or_has_a_written_reason(backend: str, tag: str) -> None:
    module, function = REGISTRIES[backend]
    if backend == "onnx":
        pytest.importorskip("onnx")
    lower = getattr(import_module(module), function)

    lowered = lower.dispatch(LAYERS[tag]) is not lower.dispatch(object)
    if backend in PASSES and tag in PASSES[backend]:
        assert not lowered
        return

    assert lowered != ((backend, tag) in GAPS)
