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
from netspec_numpy.layers.base import Own, Values, compute, positions, same


@compute.register
def _(layer: Conv, w: Own, training: bool, x: Values) -> Values:
    # The input's channels and the filters are cut into groups. Filters read only their group.
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
    # All positions that a convolution of the output would read, with its padding before them.
    fronts = [
        same(size, window, step, rate)[0] if layer.padding == "same" else 0
        for size, window, step, rate in zip(
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
    for position in np.ndindex(*layer.kernel_size):
        slices = tuple(
            slice(index * rate, index * rate + count * step, step)
            for index, rate, count, step in zip(
                position, layer.dilation_rate, x.shape[1:-1], layer.strides, strict=True
            )
        )
        y[(slice(None), *slices)][..., :] += x @ w["kernel"][position].T
    inside = tuple(slice(front, front + size) for front, size in zip(fronts, space, strict=True))
    return ACTIVATIONS[layer.activation](y[(slice(None), *inside)] + w.get("bias", 0))


def _convolve(layer: Conv, x: Values, kernel: Values) -> Values:
    products = (patch @ kernel[position] for position, patch in _patches(layer, x))
    return sum(products, start=np.float64(0))


def _depthwise(layer: DepthwiseConv | SeparableConv, x: Values, kernel: Values) -> Values:
    products = (patch[..., None] * kernel[position] for position, patch in _patches(layer, x))
    y: Values = sum(products, start=np.float64(0))
    return y.reshape(*y.shape[:-2], -1)


def _patches(layer: Kernel, x: Values) -> Iterator[tuple[tuple[int, ...], Values]]:
    """The index of each position of the kernel, and the values that slide under it."""
    padding: str = layer.padding
    if padding == "causal":  # the last position of every window is the step itself
        x = np.pad(x, [(0, 0), (layer.extents[0] - 1, 0), (0, 0)])
        padding = "valid"
    return positions(x, layer.kernel_size, layer.strides, layer.dilation_rate, padding, 0)
