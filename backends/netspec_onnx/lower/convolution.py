"""Convolutions in ONNX."""

from __future__ import annotations

from typing import Any

from netspec.graph import Node
from netspec.language.layers.convolution import (
    Conv,
    ConvTranspose,
    DepthwiseConv,
    Kernel,
    SeparableConv,
)
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.window import onnx_pads


@lower.register
def _(layer: Conv, node: Node, to: Builder, x: str) -> str:
    inputs = [x, *to.weights_of(node).values()]
    return to.add("Conv", inputs, node.name, group=layer.groups, **_window(layer, node))


@lower.register
def _(layer: DepthwiseConv, node: Node, to: Builder, x: str) -> str:
    inputs = [x, *to.weights_of(node).values()]
    return to.add("Conv", inputs, node.name, group=node.input_shape[-1], **_window(layer, node))


@lower.register
def _(layer: SeparableConv, node: Node, to: Builder, x: str) -> str:
    depthwise, *pointwise = to.weights_of(node).values()
    channels = node.input_shape[-1]
    window = _window(layer, node)
    mixed = to.add("Conv", [x, depthwise], f"{node.name}.depthwise", group=channels, **window)
    return to.add("Conv", [mixed, *pointwise], node.name)


@lower.register
def _(layer: ConvTranspose, node: Node, to: Builder, x: str) -> str:
    crops = layer.crops(node.input_shape[:-1])
    return to.add(
        "ConvTranspose",
        [x, *to.weights_of(node).values()],
        node.name,
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        dilations=layer.dilation_rate,
        pads=[before for before, _ in crops] + [max(0, after) for _, after in crops],
        output_padding=[max(0, -after) for _, after in crops],
    )


def _window(layer: Kernel, node: Node) -> dict[str, Any]:  # Any: as Builder.add takes attributes
    """How the kernel moves."""
    return {
        "kernel_shape": layer.kernel_size,
        "strides": layer.strides,
        "pads": onnx_pads(node.input_shape[:-1], layer.extents, layer.strides, layer.padding),
        "dilations": layer.dilation_rate,
    }
