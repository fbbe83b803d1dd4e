"""Layers without an idea of space, by their definitions."""

from __future__ import annotations

import numpy as np

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
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: Flatten, w: Own, training: bool, x: Values) -> Values:
    return x.reshape(len(x), -1)


@compute.register
def _(layer: Dense, w: Own, training: bool, x: Values) -> Values:
    return ACTIVATIONS[layer.activation](x @ w["kernel"] + w.get("bias", 0))


@compute.register
def _(layer: EinsumDense, w: Own, training: bool, x: Values) -> Values:
    product = np.einsum(layer.equation, x, w["kernel"])
    return ACTIVATIONS[layer.activation](product + w.get("bias", 0))


@compute.register
def _(layer: Activation, w: Own, training: bool, x: Values) -> Values:
    return ACTIVATIONS[layer.activation](x)


@compute.register
def _(layer: Embedding, w: Own, training: bool, x: Values) -> Values:
    return w["embeddings"][x.astype(int)]


@compute.register
def _(layer: Identity, w: Own, training: bool, x: Values) -> Values:
    return x


@compute.register
def _(layer: ReLU, w: Own, training: bool, x: Values) -> Values:
    most = np.inf if layer.max_value is None else layer.max_value
    below = layer.negative_slope * (x - layer.threshold)
    return np.where(x > layer.threshold, np.minimum(x, most), below)


@compute.register
def _(layer: LeakyReLU, w: Own, training: bool, x: Values) -> Values:
    return np.where(x > 0, x, layer.negative_slope * x)


@compute.register
def _(layer: PReLU, w: Own, training: bool, x: Values) -> Values:
    return np.where(x > 0, x, w["alpha"] * x)


@compute.register
def _(layer: ELU, w: Own, training: bool, x: Values) -> Values:
    return np.where(x > 0, x, layer.alpha * np.expm1(np.minimum(x, 0)))


@compute.register
def _(layer: Softmax, w: Own, training: bool, x: Values) -> Values:
    powers = np.exp(x - x.max(axis=layer.axis, keepdims=True))
    return powers / powers.sum(axis=layer.axis, keepdims=True)
