"""A backend gets the graph after its passes, and only with layers that it declares."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from netspec.backend import Device, Framework, Program, Target
from netspec.backend.declaration import Declaration
from netspec.network import Network, loads
from netspec.passes import LOGITS, NEEDED_EXTENT, SPLIT_ACTIVATIONS
from netspec.text.diagnostics import BackendError, SpecError

PLUGIN = Path(__file__).parents[1] / "conformance/plugin"

RESHAPED = """\
netspec: 1
name: example
input: [4, 4, 1]
layers:
  - Flatten
  - Reshape: {target_shape: [4, 4, 1]}
  - Flatten
  - Dense: {units: 2, activation: softmax}
"""

REFUSED = """\
error[backend]: the stub backend has no Reshape
 --> <spec>:6:5
  |
6 |   - Reshape: {target_shape: [4, 4, 1]}
  |     ^^^^^^^
  |
  = help: use keras or torch, which have every layer, or replace this layer
"""


class Recording:
    """A backend that returns the program it is called with."""

    name = "recording"
    frameworks: tuple[Framework, ...] = ()
    passes = (NEEDED_EXTENT, SPLIT_ACTIVATIONS, LOGITS)

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def declaration(self) -> Declaration:
        return Declaration(frozenset({"Dense", "Flatten", "Reshape", "TimeDistributed"}))

    def predictor(self, program: Program, device: Device) -> Program:
        return program


RECORDING = Target(Recording())  # pyright: ignore[reportArgumentType] - a program is no predictor


def program_of(network: Network) -> Program:
    program = RECORDING.predictor(network, {"dense.kernel": np.ones((16, 2), np.float32)}, "cpu")
    assert isinstance(program, Program)
    return program


def test_backend_gets_the_graph_after_its_passes() -> None:
    program = program_of(loads(RESHAPED))
    layer = program.graph.output.layer
    assert (program.graph.outputs, getattr(layer, "activation", None)) == (("dense",), "linear")
    assert program.taken_off == ("softmax",)
    assert [*program.weights] == ["dense.kernel"]


def test_program_names_the_passes_that_ran() -> None:
    network = loads(RESHAPED)
    required = ("split_activations", "without_final_activations")
    assert program_of(network).passes == ("needed_extent", *required)
    assert program_of(replace(network, passes=frozenset())).passes == required


def test_missing_layer_is_an_error_at_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    from netspec_stub import BACKEND as STUB

    with pytest.raises(SpecError) as caught:
        Target(STUB).predictor(loads(RESHAPED), {}, "cpu")
    assert str(caught.value) == REFUSED.rstrip()


def test_missing_layer_in_a_wrapper_is_named() -> None:
    network = loads(
        "netspec: 1\nname: example\ninput: [3, 4, 4, 1]\n"
        "layers: [TimeDistributed: {layer: MaxPooling2D}]\n"
    )
    with pytest.raises(SpecError, match="the recording backend has no MaxPooling2D"):
        RECORDING.predictor(network, {}, "cpu")


def test_backend_without_a_declaration_is_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(PLUGIN)
    from netspec_stub import SILENT

    assert Target(SILENT).predictor(loads(RESHAPED), {}, "cpu").device == "cpu"


def test_error_for_an_inserted_node_has_no_place() -> None:
    error = program_of(loads(RESHAPED)).layer_error("dense.activation", "no kernel", "wait")
    assert isinstance(error, BackendError)
    assert (error.message, error.help) == ("dense.activation: no kernel", "wait")


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda network: RECORDING.source(network), "the recording backend cannot train"),
        (lambda network: RECORDING.model(network, {}), "the recording backend cannot train"),
        (lambda _: RECORDING.open(b"", "cpu"), "the recording backend writes no files"),
        (
            lambda network: RECORDING.form("fast", network, {}, "cpu", ()),
            "the recording backend has no form fast",
        ),
    ],
    ids=["source", "model", "open", "form"],
)
def test_missing_method_is_one_error(call, message: str) -> None:
    with pytest.raises(BackendError, match=message):
        call(loads(RESHAPED))
