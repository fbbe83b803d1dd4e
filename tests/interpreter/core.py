"""Layers without an idea of space, by their definitions."""

from __future__ import annotations

from interpreter.activations import ACTIVATIONS
from interpreter.base import Own, Values, compute
from netspec.layers import Activation, Dense, Flatten


@compute.register
def _(layer: Flatten, w: Own, training: bool, x: Values) -> Values:
    return x.reshape(len(x), -1)


@compute.register
def _(layer: Dense, w: Own, training: bool, x: Values) -> Values:
    return ACTIVATIONS[layer.activation](x @ w["kernel"] + w.get("bias", 0))


@compute.register
def _(layer: Activation, w: Own, training: bool, x: Values) -> Values:
    return ACTIVATIONS[layer.activation](x)
