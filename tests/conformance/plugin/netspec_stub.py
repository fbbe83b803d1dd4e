"""A backend in its first week: two layers, and only predictions.

`closed` declares a gap that is no gap any more, and `silent` declares nothing.
"""

from __future__ import annotations

import numpy as np

from netspec.backend import Device, Framework, Predicting, Program
from netspec.backend.declaration import Declaration
from netspec.language.layers import Dense
from netspec.numerics.weights import Array
from netspec.passes import Pass
from netspec.testing.cases import CASES
from netspec.text.diagnostics import BackendError

KNOWN = ("activation: linear", "activation: relu}")
GAPS = {
    str(case): "only relu is there"
    for case in CASES["Dense"]
    if "activation" in str(case) and not any(words in str(case) for words in KNOWN)
}


class StubPredictor(Predicting):
    device = "cpu"

    def __init__(self, program: Program) -> None:
        self._graph, self._weights = program.graph, program.weights

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        values = dict(zip((tensor.name for tensor in self._graph.inputs), inputs, strict=True))
        for node in self._graph.nodes:
            x = values[node.inputs[0]]
            values[node.name] = (
                self._dense(node.layer, node.name, x)
                if isinstance(node.layer, Dense)
                else x.reshape(len(x), -1)
            )
        return tuple(values[name] for name in self._graph.outputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        raise BackendError("the stub backend has no logits", "evaluate with keras")

    def _dense(self, layer: Dense, name: str, x: Array) -> Array:
        y = x @ self._weights[f"{name}.kernel"]
        y = y + self._weights[f"{name}.bias"] if layer.use_bias else y
        match layer.activation:
            case "linear":
                return y
            case "relu":
                return np.maximum(y, 0)
        raise BackendError(f"the stub backend has no {layer.activation}", "write relu")


class Silent:
    """See `netspec.backend.Backend`."""

    name = "silent"
    frameworks: tuple[Framework, ...] = ()
    passes: tuple[Pass, ...] = ()

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def predictor(self, program: Program, device: Device) -> StubPredictor:
        return StubPredictor(program)


class Stub(Silent):
    """See `netspec.backend.declaration.DeclaringBackend`."""

    def __init__(self, name: str, gaps: dict[str, str]) -> None:
        self.name = name
        self._gaps = gaps

    def declaration(self) -> Declaration:
        return Declaration(frozenset({"Dense", "Flatten"}), self._gaps)


BACKEND, CLOSED, SILENT = Stub("stub", GAPS), Stub("closed", {"Flatten": "not yet"}), Silent()
