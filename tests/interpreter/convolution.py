"""Convolutions by their definition."""

from __future__ import annotations

import numpy as np

from interpreter.activations import ACTIVATIONS
from interpreter.base import Own, Values, cells, compute
from netspec.layers.convolution import Conv


@compute.register
def _(layer: Conv, w: Own, training: bool, x: Values) -> Values:
    # The input's channels and the filters are cut into groups; each sees only its own.
    inputs = np.split(x, layer.groups, axis=-1)
    kernels = np.split(w["kernel"], layer.groups, axis=-1)
    y = np.concatenate([_convolve(layer, *pair) for pair in zip(inputs, kernels, strict=True)], -1)
    return ACTIVATIONS[layer.activation](y + w.get("bias", 0))


def _convolve(layer: Conv, x: Values, kernel: Values) -> Values:
    padding: str = layer.padding
    if padding == "causal":  # the last cell of every window is the step itself
        x = np.pad(x, [(0, 0), (layer.extents[0] - 1, 0), (0, 0)])
        padding = "valid"
    met = cells(x, layer.kernel_size, layer.strides, layer.dilation_rate, padding, 0)
    return sum((patch @ kernel[cell] for cell, patch in met), start=np.float64(0))
