"""What is done to values before a network sees them, in ONNX."""

from __future__ import annotations

import numpy as np

from netspec.graph import Node
from netspec.language.layers.preprocessing import (
    Division,
    Fitting,
    Normalization,
    Rescaling,
    Resizing,
    along,
)
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.shaping import LINEAR, cropped, padded, resized


@lower.register
def _(layer: Rescaling, node: Node, to: Builder, x: str) -> str:
    return _rescaled(layer.scale, layer.offset, len(node.shape) - 1, node, to, x)


@lower.register
def _(layer: Division, node: Node, to: Builder, x: str) -> str:
    return to.add("Div", [x, to.constant(f"{node.name}.divisor", layer.divisor)], node.name)


@lower.register
def _(layer: Normalization, node: Node, to: Builder, x: str) -> str:
    axis = layer.listed_axis(node.input_shape)
    if layer.invert:
        return _rescaled(layer.deviation, layer.mean, axis, node, to, x)
    mean = _numbers("mean", layer.mean, axis, node, to)
    shifted = to.add("Sub", [x, mean], f"{node.name}.shifted")
    deviation = _numbers("deviation", layer.deviation, axis, node, to)
    return to.add("Div", [shifted, deviation], node.name)


def _rescaled(
    scale: tuple[float, ...],
    offset: tuple[float, ...],
    axis: int,
    node: Node,
    to: Builder,
    x: str,
) -> str:
    factor = _numbers("scale", scale, axis, node, to)
    if not any(offset):
        return to.add("Mul", [x, factor], node.name)
    scaled = to.add("Mul", [x, factor], f"{node.name}.scaled")
    return to.add("Add", [scaled, _numbers("offset", offset, axis, node, to)], node.name)


def _numbers(name: str, numbers: tuple[float, ...], axis: int, node: Node, to: Builder) -> str:
    """Keep numbers that run along an axis, and return their name."""
    shape = along(len(numbers), axis, len(node.shape), node.layout)
    return to.constant(f"{node.name}.{name}", np.reshape(numbers, shape))


@lower.register
def _(layer: Fitting, node: Node, to: Builder, x: str) -> str:
    space, fit = node.input_shape[:-1], layer.fit(node.input_shape)
    if any(map(any, fit.cut)):
        x = cropped(x, fit.cut, space, f"{node.name}.cropped", to)
    if isinstance(layer, Resizing) and any(map(any, fit.added)):
        x = padded(x, fit.added, f"{node.name}.padded", to, layer.fill_value)
    size = (layer.height, layer.width)
    if fit.size == size:
        return x
    if isinstance(layer, Resizing) and layer.interpolation == "nearest":
        return _nearest(fit.size, size, node, to, x)
    scales = [_scale(*axis) for axis in zip(fit.size, size, strict=True)]
    return resized(x, scales, LINEAR, node.name, to)


def _scale(size: int, target: int) -> float:
    """The float32 scale with which Resize makes `target` pixels of `size`: it rounds down."""
    scale = np.float32(target / size)
    above = np.nextafter(scale, np.float32(np.inf))
    return float(scale if float(scale) * size >= target else above)


def _nearest(
    size: tuple[int, int], target: tuple[int, int], node: Node, to: Builder, x: str
) -> str:
    """Append a Gather of the nearest pixels: Resize rounds some centers differently from Keras."""
    for axis, (pixels, count) in enumerate(zip(size, target, strict=True), 2):
        if pixels != count:
            name = f"{node.name}.{('rows', 'columns')[axis - 2]}"
            indices = to.integers(f"{name}.indices", nearest_cells(pixels, count))
            x = to.add("Gather", [x, indices], name, axis=axis)
    return x


def nearest_cells(size: int, target: int) -> list[int]:
    """The pixels under the centers of `target` pixels, in TensorFlow's float32 arithmetic.

    Source: tensorflow/core/kernels/image/resize_nearest_neighbor_op.cc, with half_pixel_centers.
    """
    centers = np.arange(target, dtype=np.float32) + np.float32(0.5)
    pixels = np.floor(centers * (np.float32(size) / np.float32(target)))
    return np.minimum(pixels, size - 1).astype(int).tolist()
