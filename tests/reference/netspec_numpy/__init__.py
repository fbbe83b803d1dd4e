"""The NumPy backend: a slow one in float64 that defines every layer, and with which others are compared.

It is written and installed as a backend of a third party is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Device, Framework, Predicting, Program
from netspec.backend.declaration import Declaration, registered_layers
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.passes import LOGITS, SPLIT_ACTIVATIONS
from netspec_numpy.interpreter import run_all
from netspec_numpy.layers import ACTIVATIONS, compute

__all__ = ["BACKEND", "NumpyBackend"]


def exact_outputs(
    network: Network, weights: Weights, inputs: list[Array], training: bool
) -> list[NDArray[np.float64]]:
    """Every output (n, …) of a network for all of its inputs (n, …)."""
    values = run_all(network.graph, weights, *inputs, training=training)
    return [values[name] for name in network.graph.outputs]


class NumpyPredictor(Predicting):
    """See `netspec.backend.Predictor`."""

    device = "cpu"

    def __init__(self, program: Program) -> None:
        self._program = program

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        activations = (ACTIVATIONS[name or "linear"] for name in self._program.taken_off)
        pairs = zip(activations, self._logits(inputs), strict=True)
        return tuple(activation(logits).astype(np.float32) for activation, logits in pairs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        return tuple(logits.astype(np.float32) for logits in self._logits(inputs))

    def _logits(self, inputs: tuple[Array, ...]) -> list[NDArray[np.float64]]:
        graph = self._program.graph
        values = run_all(graph, self._program.weights, *inputs)
        return [values[name] for name in graph.outputs]


class NumpyBackend:
    """See `netspec.backend.Backend` and `netspec.backend.declaration.DeclaringBackend`."""

    name = "numpy"
    frameworks: tuple[Framework, ...] = ()
    passes = (SPLIT_ACTIVATIONS, LOGITS)

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def declaration(self) -> Declaration:
        return Declaration(registered_layers(compute), exact=exact_outputs)

    def predictor(self, program: Program, device: Device) -> NumpyPredictor:
        return NumpyPredictor(program)


BACKEND = NumpyBackend()
