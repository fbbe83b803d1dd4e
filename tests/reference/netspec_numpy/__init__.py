"""The NumPy backend: a slow one in float64 that defines every layer, and with which others are compared.

It is written and installed as a backend of a third party is.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Device, Framework, Predicting
from netspec.backend.declaration import Declaration, registered_layers
from netspec.network import Network
from netspec.numerics.weights import Array, Weights
from netspec.passes import LOGITS, SPLIT_ACTIVATIONS, Pass
from netspec.passes.base import run_passes
from netspec_numpy.interpreter import run_all
from netspec_numpy.layers import compute

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

    def __init__(self, network: Network, weights: Weights) -> None:
        self._network = network
        self._weights = weights

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        values = exact_outputs(self._network, self._weights, [*inputs], training=False)
        return tuple(output.astype(np.float32) for output in values)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        passes = (SPLIT_ACTIVATIONS, LOGITS)
        graph, weights = run_passes(passes, self._network, self._weights)
        values = run_all(graph, weights, *inputs)
        return tuple(values[name].astype(np.float32) for name in graph.outputs)


class NumpyBackend:
    """See `netspec.backend.Backend` and `netspec.backend.declaration.DeclaringBackend`."""

    name = "numpy"
    frameworks: tuple[Framework, ...] = ()
    passes: tuple[Pass, ...] = ()

    def devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def declaration(self) -> Declaration:
        return Declaration(registered_layers(compute), exact=exact_outputs)

    def predictor(self, network: Network, weights: Weights, device: Device) -> NumpyPredictor:
        return NumpyPredictor(network, weights)


BACKEND = NumpyBackend()
