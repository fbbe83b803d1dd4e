"""Merging by its definition."""

from __future__ import annotations

from functools import reduce

import numpy as np

from netspec.language.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: Add, w: Own, training: bool, *x: Values) -> Values:
    return reduce(np.add, x)


@compute.register
def _(layer: Subtract, w: Own, training: bool, first: Values, second: Values) -> Values:
    return first - second


@compute.register
def _(layer: Multiply, w: Own, training: bool, *x: Values) -> Values:
    return reduce(np.multiply, x)


@compute.register
def _(layer: Average, w: Own, training: bool, *x: Values) -> Values:
    return np.mean(np.broadcast_arrays(*x), axis=0)


@compute.register
def _(layer: Maximum, w: Own, training: bool, *x: Values) -> Values:
    return reduce(np.maximum, x)


@compute.register
def _(layer: Minimum, w: Own, training: bool, *x: Values) -> Values:
    return reduce(np.minimum, x)


@compute.register
def _(layer: Concatenate, w: Own, training: bool, *x: Values) -> Values:
    return np.concatenate(x, axis=layer.axis)


@compute.register
def _(layer: Dot, w: Own, training: bool, *x: Values) -> Values:
    # Each input as rows of the summed values, one row for every index of its other axes.
    moved = [np.moveaxis(values, axis, -1) for values, axis in zip(x, layer.axes, strict=True)]
    first, second = (values.reshape(len(values), -1, values.shape[-1]) for values in moved)
    if layer.normalize:
        first, second = _unit(first), _unit(second)
    shapes = [values.shape[1:-1] for values in moved]
    y = np.array([rows @ columns.T for rows, columns in zip(first, second, strict=True)])
    return y.reshape(len(y), *(shapes[0] + shapes[1] or (1,)))


def _unit(rows: Values) -> Values:
    return rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-7)
