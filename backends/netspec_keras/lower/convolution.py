"""Convolutions in Keras."""

from __future__ import annotations

from netspec.code import square
from netspec.layers.convolution import Conv, Kernel
from netspec_keras.lower.base import Call, changed, initializers, lower


@lower.register
def _(layer: Conv) -> Call:
    named = _sizes(layer, "strides") | changed(layer, "padding", "groups", "use_bias", "activation")
    named |= _sizes(layer, "dilation_rate") | initializers(layer)
    return [layer.filters, square(layer.kernel_size)], named


def _sizes(layer: Kernel, name: str) -> dict[str, object]:
    """The field, one number for every axis, where it is not at Keras's default."""
    return {name: square(sizes) for name, sizes in changed(layer, name).items()}
