"""Convolutions by their definition."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from netspec.language.layers.convolution import (
    Conv,
    ConvTranspose,
    DepthwiseConv,
    Kernel,
    SeparableConv,
)
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Own, Values, cells, compute, same


@compute.register
def _(layer: Conv, w: Own, training: bool, x: Values) -> Values:
    # The input's channels and the filters are cut into groups; each sees only its own.
    inputs = np.split(x, layer.groups, axis=-1)
    kernels = np.split(w["kernel"], layer.groups, axis=-1)
    y = np.concatenate([_convolve(layer, *pair) for pair in zip(inputs, kernels, strict=True)], -1)
    return ACTIVATIONS[layer.activation](y + w.get("bias", 0))


@compute.register
def _(layer: DepthwiseConv, w: Own, training: bool, x: Values) -> Values:
    return ACTIVATIONS[layer.activation](_depthwise(layer, x, w["kernel"]) + w.get("bias", 0))


@compute.register
def _(layer: SeparableConv, w: Own, training: bool, x: Values) -> Values:
    mixed = _depthwise(layer, x, w["depthwise_kernel"]) @ w["pointwise_kernel"].squeeze(
        tuple(range(x.ndim - 2))
    )
    return ACTIVATIONS[layer.activation](mixed + w.get("bias", 0))


@compute.register
def _(layer: ConvTranspose, w: Own, training: bool, x: Values) -> Values:
    *space, filters = layer.infer_shape((x.shape[1:],))
    # All that a convolution of the output would read, with the cells of its padding in front.
    fronts = [
        same(size, cells, step, rate)[0] if layer.padding == "same" else 0
        for size, cells, step, rate in zip(
            space, layer.kernel_size, layer.strides, layer.dilation_rate, strict=True
        )
    ]
    reached = [
        max(front + size, (count - 1) * step + span)
        for front, size, count, step, span in zip(
            fronts, space, x.shape[1:-1], layer.strides, layer.extents, strict=True
        )
    ]
    y = np.zeros((len(x), *reached, filters))
    for cell in np.ndindex(*layer.kernel_size):
        met = tuple(
            slice(at * rate, at * rate + count * step, step)
            for at, rate, count, step in zip(
                cell, layer.dilation_rate, x.shape[1:-1], layer.strides, strict=True
            )
        )
        y[(slice(None), *met)][..., :] += x @ w["kernel"][cell].T
    kept = tuple(slice(front, front + size) for front, size in zip(fronts, space, strict=True))
    return ACTIVATIONS[layer.activation](y[(slice(None), *kept)] + w.get("bias", 0))


def _convolve(layer: Conv, x: Values, kernel: Values) -> Values:
    return sum((patch @ kernel[cell] for cell, patch in _met(layer, x)), start=np.float64(0))


def _depthwise(layer: DepthwiseConv | SeparableConv, x: Values, kernel: Values) -> Values:
    products = (patch[..., None] * kernel[cell] for cell, patch in _met(layer, x))
    y: Values = sum(products, start=np.float64(0))
    return y.reshape(*y.shape[:-2], -1)


def _met(layer: Kernel, x: Values) -> Iterator[tuple[tuple[int, ...], Values]]:
    """What each cell of the kernel meets."""
    padding: str = layer.padding
    if padding == "causal":  # the last cell of every window is the step itself
        x = np.pad(x, [(0, 0), (layer.extents[0] - 1, 0), (0, 0)])
        padding = "valid"
    return cells(x, layer.kernel_size, layer.strides, layer.dilation_rate, padding, 0)
