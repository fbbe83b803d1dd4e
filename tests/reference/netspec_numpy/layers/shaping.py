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
    """The values between the cells of an axis, at the centers of `size` cells in the same room.

    Beyond the center of the first cell and the last, their values go on.
    """
    centers = (np.arange(size) + 0.5) * x.shape[axis] / size - 0.5
    at = centers.clip(0, x.shape[axis] - 1)
    before = np.floor(at).astype(int)
    after = np.minimum(before + 1, x.shape[axis] - 1)
    share = (at - before).reshape([-1 if one == axis else 1 for one in range(x.ndim)])
    return x.take(before, axis) * (1 - share) + x.take(after, axis) * share
