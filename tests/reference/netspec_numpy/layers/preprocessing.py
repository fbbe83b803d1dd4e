"""What is done to values before a network sees them, by definition."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from netspec.language.layers.preprocessing import (
    CenterCrop,
    Division,
    Normalization,
    Rescaling,
    Resizing,
)
from netspec_numpy.layers.base import Own, Values, compute
from netspec_numpy.layers.shaping import linear


@compute.register
def _(layer: Rescaling, w: Own, training: bool, x: Values) -> Values:
    return x * np.array(layer.scale) + np.array(layer.offset)


@compute.register
def _(layer: Division, w: Own, training: bool, x: Values) -> Values:
    return x / layer.divisor


@compute.register
def _(layer: Normalization, w: Own, training: bool, x: Values) -> Values:
    last = max((axis % x.ndim for axis in layer.axis or ()), default=-1)
    x = np.moveaxis(x, last, -1)
    mean, deviation = np.array(layer.mean), np.maximum(np.sqrt(layer.variance), 1e-7)
    y = x * deviation + mean if layer.invert else (x - mean) / deviation
    return np.moveaxis(y, -1, last)


@compute.register
def _(layer: CenterCrop, w: Own, training: bool, x: Values) -> Values:
    if x.shape[1] < layer.height or x.shape[2] < layer.width:
        return _resize(_window(x, layer), layer, linear)
    top, left = (x.shape[1] - layer.height) // 2, (x.shape[2] - layer.width) // 2
    return x[:, top : top + layer.height, left : left + layer.width]


@compute.register
def _(layer: Resizing, w: Own, training: bool, x: Values) -> Values:
    if layer.crop_to_aspect_ratio:
        x = _window(x, layer)
    if layer.pad_to_aspect_ratio:
        x = _framed(x, layer)
    return _resize(x, layer, linear if layer.interpolation == "bilinear" else _nearest)


def _window(x: Values, layer: CenterCrop | Resizing) -> Values:
    """The largest window in the middle with the proportions of the output."""
    rows, columns = x.shape[1:3]
    height = max(1, min(rows, int(columns * layer.height / layer.width)))
    width = max(1, min(columns, int(rows * layer.width / layer.height)))
    top, left = (rows - height) // 2, (columns - width) // 2
    return x[:, top : top + height, left : left + width]


def _framed(x: Values, layer: Resizing) -> Values:
    """The image with padding around it, in the proportions of the output."""
    rows, columns = x.shape[1:3]
    above = max(0, int(columns * layer.height / layer.width) - rows) // 2
    beside = max(0, int(rows * layer.width / layer.height) - columns) // 2
    padding = [(0, 0), (above, above), (beside, beside), (0, 0)]
    return np.pad(x, padding, constant_values=layer.fill_value)


def _resize(
    x: Values, layer: CenterCrop | Resizing, interpolate: Callable[[Values, int, int], Values]
) -> Values:
    return interpolate(interpolate(x, 1, layer.height), 2, layer.width)


def _nearest(x: Values, axis: int, size: int) -> Values:
    """The pixel at each of `size` centers, which TensorFlow computes in float32."""
    step = np.float32(x.shape[axis] / size)
    pixels = np.floor((np.arange(size, dtype=np.float32) + np.float32(0.5)) * step).astype(int)
    return x.take(pixels.clip(max=x.shape[axis] - 1), axis)
