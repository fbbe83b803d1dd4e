"""Pooling by its definition."""

from __future__ import annotations

import numpy as np

from netspec.language.layers.pooling import (
    AveragePooling,
    GlobalAveragePooling,
    GlobalMaxPooling,
    MaxPooling,
    WindowPooling,
)
from netspec_numpy.layers.base import Own, Values, compute, positions


def _patches(layer: WindowPooling, x: Values, fill: float) -> list[Values]:
    """The values that slide under each position of the window."""
    undilated = (1,) * layer.rank
    patches = positions(x, layer.window, layer.steps, undilated, layer.padding, fill)
    return [patch for _, patch in patches]


@compute.register
def _(layer: MaxPooling, w: Own, training: bool, x: Values) -> Values:
    return np.max(_patches(layer, x, -np.inf), axis=0)


@compute.register
def _(layer: AveragePooling, w: Own, training: bool, x: Values) -> Values:
    total = np.sum(_patches(layer, x, 0), axis=0)
    return total / np.sum(_patches(layer, np.ones_like(x), 0), axis=0)  # padding is not counted


@compute.register
def _(layer: GlobalMaxPooling, w: Own, training: bool, x: Values) -> Values:
    return x.max(axis=tuple(range(1, x.ndim - 1)), keepdims=layer.keepdims)


@compute.register
def _(layer: GlobalAveragePooling, w: Own, training: bool, x: Values) -> Values:
    return x.mean(axis=tuple(range(1, x.ndim - 1)), keepdims=layer.keepdims)
