"""Normalization by its definition."""

from __future__ import annotations

import numpy as np

from netspec.language.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: BatchNormalization, w: Own, training: bool, x: Values) -> Values:
    x = np.moveaxis(x, layer.axis, -1)
    if training and layer.trainable:
        others = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axis=others), x.var(axis=others)
    else:
        mean, variance = w["moving_mean"], w["moving_variance"]
    y = w.get("gamma", 1) * (x - mean) / np.sqrt(variance + layer.epsilon) + w.get("beta", 0)
    return np.moveaxis(y, -1, layer.axis)


@compute.register
def _(layer: LayerNormalization, w: Own, training: bool, x: Values) -> Values:
    indices = [index + 1 for index in layer.indices(x.shape[1:])]
    y = _even(x, tuple(indices), layer.epsilon)
    broadcast = [size if index in indices else 1 for index, size in enumerate(x.shape)]
    gamma, beta = w.get("gamma", np.ones(1)), w.get("beta", np.zeros(1))
    if layer.scale:
        gamma = gamma.reshape(broadcast)
    if layer.center:
        beta = beta.reshape(broadcast)
    return gamma * y + beta


def _even(x: Values, axes: tuple[int, ...], epsilon: float) -> Values:
    """Mean 0 and variance 1 along the axes."""
    mean, variance = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon)


@compute.register
def _(layer: GroupNormalization, w: Own, training: bool, x: Values) -> Values:
    x = np.moveaxis(x, layer.axis, -1)
    count = layer.groups if layer.groups > 0 else x.shape[-1]
    others = (*range(1, x.ndim - 1), -1)
    groups = [_even(group, others, layer.epsilon) for group in np.split(x, count, axis=-1)]
    y = w.get("gamma", 1) * np.concatenate(groups, axis=-1) + w.get("beta", 0)
    return np.moveaxis(y, -1, layer.axis)


@compute.register
def _(layer: RMSNormalization, w: Own, training: bool, x: Values) -> Values:
    square = (x**2).mean(axis=layer.axis, keepdims=True)
    return w["scale"] * x / np.sqrt(square + layer.epsilon)


@compute.register
def _(layer: UnitNormalization, w: Own, training: bool, x: Values) -> Values:
    length = np.sqrt((x**2).sum(axis=layer.axis, keepdims=True))
    return x / np.maximum(length, 1e-12)
