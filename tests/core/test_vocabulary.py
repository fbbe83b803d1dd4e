"""The list of layers for lazy imports equals the classes."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

import pytest

import netspec.language.layers
from netspec.language.layers import FAMILIES, LAYERS
from netspec.language.layers.base import Layer

INSERTED = {"Transpose", "FoldSteps", "UnfoldSteps", "Division"}  # created by passes, in no spec

FILES = sorted(
    path.stem for path in Path(netspec.language.layers.__file__).parent.glob("[a-z]*.py")
)


@pytest.mark.parametrize("name", FILES)
def test_a_files_layers_are_in_its_family(name: str) -> None:
    module = import_module(f"netspec.language.layers.{name}")
    layers = {
        value.__name__
        for value in vars(module).values()
        if isinstance(value, type)
        and issubclass(value, Layer)
        and value.__module__ == module.__name__
        and "tag" in vars(value)
    }

    assert set(FAMILIES.get(name, ())) == layers - INSERTED


@pytest.mark.parametrize("tag", LAYERS)
def test_a_layer_is_found_under_its_tag(tag: str) -> None:
    assert LAYERS[tag].tag == tag
