"""Convolutions in Keras."""

from __future__ import annotations

from netspec.code import square
from netspec.layers import Conv2D
from netspec_keras.lower.base import Call, changed, initializers, lower


@lower.register
def _(layer: Conv2D) -> Call:
    named: dict[str, object] = {}
    if layer.strides != (1, 1):
        named["strides"] = square(layer.strides)
    named |= changed(layer, "padding", "groups", "use_bias", "activation")
    if layer.dilation_rate != (1, 1):
        named["dilation_rate"] = square(layer.dilation_rate)
    named |= initializers(layer)
    return [layer.filters, square(layer.kernel_size)], named
