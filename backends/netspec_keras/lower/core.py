"""Layers without an idea of space, in Keras."""

from __future__ import annotations

from netspec.layers import Activation, Dense, Flatten
from netspec_keras.lower.base import Call, changed, initializers, lower


@lower.register
def _(_layer: Flatten) -> Call:
    return [], {}


@lower.register
def _(layer: Dense) -> Call:
    return [layer.units], changed(layer, "activation", "use_bias") | initializers(layer)


@lower.register
def _(layer: Activation) -> Call:
    return [layer.activation], {}
