"""Normalization by its definition."""

from __future__ import annotations

import numpy as np

from interpreter.base import Own, Values, compute
from netspec.layers import BatchNormalization


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
