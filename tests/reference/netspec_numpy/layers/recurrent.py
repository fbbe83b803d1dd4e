"""Recurrent layers by their definitions."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netspec.language.layers.recurrent import GRU, LSTM, RecurrentLayer, SimpleRNN
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: SimpleRNN, w: Own, training: bool, x: Values) -> Values:
    def states() -> Iterator[Values]:
        h = np.zeros((len(x), layer.units))
        for step in steps(layer, training, x):
            z = step @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0)
            h = ACTIVATIONS[layer.activation](z)
            yield h

    return outputs(layer, states())


@compute.register
def _(layer: LSTM, w: Own, training: bool, x: Values) -> Values:
    gate, enter = ACTIVATIONS[layer.recurrent_activation], ACTIVATIONS[layer.activation]

    def states() -> Iterator[Values]:
        h = c = np.zeros((len(x), layer.units))
        for step in steps(layer, training, x):
            z = step @ w["kernel"] + h @ w["recurrent_kernel"] + w.get("bias", 0)
            i, f, g, o = np.split(z, 4, axis=-1)
            c = gate(f) * c + gate(i) * enter(g)
            h = gate(o) * enter(c)
            yield h

    return outputs(layer, states())


@compute.register
def _(layer: GRU, w: Own, training: bool, x: Values) -> Values:
    gate, enter = ACTIVATIONS[layer.recurrent_activation], ACTIVATIONS[layer.activation]
    u_z, u_r, u_n = np.split(w["recurrent_kernel"], 3, axis=-1)
    bias = w.get("bias", np.zeros((2, 3 * layer.units)))
    if not layer.reset_after:
        bias = np.stack([bias if bias.ndim == 1 else bias[0], np.zeros(3 * layer.units)])
    b_z, b_r, b_n = np.split(bias[1], 3)

    def states() -> Iterator[Values]:
        h = np.zeros((len(x), layer.units))
        for step in steps(layer, training, x):
            z, r, n = np.split(step @ w["kernel"] + bias[0], 3, axis=-1)
            z, r = gate(z + h @ u_z + b_z), gate(r + h @ u_r + b_r)
            reset = r * (h @ u_n + b_n) if layer.reset_after else (r * h) @ u_n
            h = z * h + (1 - z) * enter(n + reset)
            yield h

    return outputs(layer, states())


def steps(layer: RecurrentLayer, training: bool, x: Values) -> Iterator[Values]:
    """The input of every step (n, inputs), in the order in which the layer takes them."""
    if training and max(layer.dropout, layer.recurrent_dropout) > 0:
        raise NotImplementedError("masks differ between backends: there is no one right answer")
    ordered = np.moveaxis(x, 1, 0)
    yield from reversed(ordered) if layer.go_backwards else ordered


def outputs(layer: RecurrentLayer, states: Iterator[Values]) -> Values:
    """The last state (n, units), or all of them (n, steps, units)."""
    all_states = np.stack([*states], axis=1)
    return all_states if layer.return_sequences else all_states[:, -1]
