"""Layers without an idea of space, in Keras."""

from __future__ import annotations

from netspec.language.layers import Activation, Dense, Flatten
from netspec.language.layers.core import (
    ELU,
    EinsumDense,
    Embedding,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from netspec_keras.lower.base import Call, axes, changed, initializers, lower


@lower.register
def _(_layer: Flatten | Identity) -> Call:
    return [], {}


@lower.register
def _(layer: Dense) -> Call:
    return [layer.units], changed(layer, "activation", "use_bias") | initializers(layer)


@lower.register
def _(layer: EinsumDense) -> Call:
    sizes = layer.output_shape[0] if len(layer.output_shape) == 1 else layer.output_shape
    named = changed(layer, "activation", "bias_axes") | initializers(layer)
    return [layer.equation, sizes], named


@lower.register
def _(layer: Activation) -> Call:
    return [layer.activation], {}


@lower.register
def _(layer: Embedding) -> Call:
    return [layer.input_dim, layer.output_dim], initializers(layer)


@lower.register
def _(layer: ReLU) -> Call:
    return [], changed(layer, "max_value", "negative_slope", "threshold")


@lower.register
def _(layer: LeakyReLU) -> Call:
    return [], changed(layer, "negative_slope")


@lower.register
def _(layer: PReLU) -> Call:
    return [], initializers(layer) | changed(layer, "shared_axes")


@lower.register
def _(layer: ELU) -> Call:
    return [], changed(layer, "alpha")


@lower.register
def _(layer: Softmax) -> Call:
    return [], axes(layer)
