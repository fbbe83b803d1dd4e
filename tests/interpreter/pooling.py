"""Pooling by its definition."""

from __future__ import annotations

import numpy as np

from interpreter.base import Own, Values, cells, compute
from netspec.layers import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D


@compute.register
def _(layer: MaxPooling2D, w: Own, training: bool, x: Values) -> Values:
    met = cells(x, layer.pool_size, layer.steps, (1, 1), layer.padding, -np.inf)
    return np.max([patch for _, patch in met], axis=0)


@compute.register
def _(layer: AveragePooling2D, w: Own, training: bool, x: Values) -> Values:
    def total(values: Values) -> Values:
        met = cells(values, layer.pool_size, layer.steps, (1, 1), layer.padding, 0)
        return np.sum([patch for _, patch in met], axis=0)

    return total(x) / total(np.ones_like(x))  # cells of the padding are not counted


@compute.register
def _(layer: GlobalAveragePooling2D, w: Own, training: bool, x: Values) -> Values:
    return x.mean(axis=(1, 2), keepdims=layer.keepdims)
