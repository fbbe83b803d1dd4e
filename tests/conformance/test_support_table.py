"""The table of layers in the documents is what the backends say of themselves.

`pytest --update tests/conformance/test_support_table.py` writes it anew.
"""

from __future__ import annotations

import inspect
from itertools import groupby
from pathlib import Path

import pytest

from conformance.gradients import declaration_of
from conformance.networks import BACKENDS
from netspec.language.layers import LAYERS, Layer
from netspec.language.layers.activations import FORMULAS

DOCUMENT = Path(__file__).parents[2] / "docs/layers.md"

TITLES = {"keras": "Keras", "torch": "PyTorch", "onnx": "ONNX"}

HEAD = """\
# Layers

Every layer means what it means in Keras 3, channels last, on every backend: its values and its
gradients equal the ones of Keras on TensorFlow in float32, to 1e-5. `netspec layers NAME` shows the
fields of a layer, their defaults and its formula. This page is written from the code.
"""

TAIL = """\
## Activations

Every layer with the field `activation`, and Activation itself, takes one of these.

{activations}
"""


def document() -> str:
    """The page of the layers, from the vocabulary and the backends' registries."""
    families = groupby(LAYERS.items(), lambda item: item[1].__module__.rpartition(".")[2])
    sections = [_family(name, dict(layers)) for name, layers in families]
    rows = [
        f"| `{name}` | {formula.replace('|', chr(92) + '|')} |"
        for name, formula in FORMULAS.items()
    ]
    activations = "\n".join(["| activation | is |", "|---|---|", *rows])
    return "\n".join([HEAD, *sections, TAIL.format(activations=activations)])


def _family(name: str, layers: dict[str, type[Layer]]) -> str:
    heads = " | ".join(TITLES[backend] for backend in TITLES)
    lines = [f"## {name.capitalize()}", "", f"| layer | {heads} | |", "|---|---|---|---|---|"]
    for tag, layer in layers.items():
        support = " | ".join(_support(backend, tag) for backend in TITLES)
        first = inspect.cleandoc(layer.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        lines.append(f"| {tag} | {support} | {first} |")
    return "\n".join([*lines, ""])


def _support(backend: str, tag: str) -> str:
    """`yes`, `no`, or the remark of the backend about the layer."""
    declaration = declaration_of(backend)
    return declaration.notes.get(tag, "yes" if tag in declaration.layers else "no")


def test_the_page_of_the_layers_is_current(request: pytest.FixtureRequest) -> None:
    if request.config.getoption("--update"):
        DOCUMENT.write_text(document(), encoding="utf-8")

    assert DOCUMENT.read_text(encoding="utf-8") == document()


def test_no_note_is_of_a_layer_that_is_not_there() -> None:
    for backend in BACKENDS:
        assert declaration_of(backend).notes.keys() <= LAYERS.keys()
