"""Convolutions in Keras."""

from __future__ import annotations

from netspec.backend.emit.code import square
from netspec.language.layers.convolution import (
    Conv,
    ConvTranspose,
    DepthwiseConv,
    Kernel,
    SeparableConv,
)
from netspec_keras.lower.base import Call, changed, initializers, lower


@lower.register
def _(layer: Conv) -> Call:
    return [layer.filters, square(layer.kernel_size)], _named(layer, "groups")


@lower.register
def _(layer: DepthwiseConv) -> Call:
    return [square(layer.kernel_size)], _named(layer, "depth_multiplier")


@lower.register
def _(layer: SeparableConv) -> Call:
    return [layer.filters, square(layer.kernel_size)], _named(layer, "depth_multiplier")


@lower.register
def _(layer: ConvTranspose) -> Call:
    return [layer.filters, square(layer.kernel_size)], _named(layer, "output_padding")


def _named(layer: Kernel, field: str) -> dict[str, object]:
    """The fields of every convolution, and one field of only this kind."""
    fields = changed(
        layer, "strides", "padding", field, "use_bias", "activation", "dilation_rate"
    ) | initializers(layer)
    return {
        name: square(value) if isinstance(value, tuple) else value for name, value in fields.items()
    }
