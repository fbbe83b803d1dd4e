"""Layers that move values, by their definitions."""

from __future__ import annotations

import numpy as np

from netspec.language.layers.shaping import (
    Cropping,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling,
    UpSampling2D,
    ZeroPadding,
)
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: Reshape, w: Own, training: bool, x: Values) -> Values:
    return x.reshape(len(x), *layer.target_shape)


@compute.register
def _(layer: Permute, w: Own, training: bool, x: Values) -> Values:
    return np.transpose(x, (0, *layer.dims))


@compute.register
def _(layer: RepeatVector, w: Own, training: bool, x: Values) -> Values:
    return np.stack([x] * layer.n, axis=1)


@compute.register
def _(layer: ZeroPadding, w: Own, training: bool, x: Values) -> Values:
    return np.pad(x, [(0, 0), *layer.sides, (0, 0)])


@compute.register
def _(layer: Cropping, w: Own, training: bool, x: Values) -> Values:
    for axis, (before, after) in enumerate(layer.sides, 1):
        x = x.take(range(before, x.shape[axis] - after), axis)
    return x


@compute.register
def _(layer: UpSampling, w: Own, training: bool, x: Values) -> Values:
    for axis, factor in enumerate(layer.factors, 1):
        if isinstance(layer, UpSampling2D) and layer.interpolation == "bilinear":
            x = linear(x, axis, x.shape[axis] * factor)
        else:
            x = x.repeat(factor, axis)
    return x


def linear(x: Values, axis: int, size: int) -> Values:
    """The values at the centers of `size` pixels of an axis, interpolated between its pixels.

    Before the center of the first pixel and after the center of the last, their values continue.
    """
    centers = (np.arange(size) + 0.5) * x.shape[axis] / size - 0.5
    places = centers.clip(0, x.shape[axis] - 1)
    before = np.floor(places).astype(int)
    after = np.minimum(before + 1, x.shape[axis] - 1)
    shape = [-1 if index == axis else 1 for index in range(x.ndim)]
    share = (places - before).reshape(shape)
    return x.take(before, axis) * (1 - share) + x.take(after, axis) * share
