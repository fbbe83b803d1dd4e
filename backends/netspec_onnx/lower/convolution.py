"""Convolutions in ONNX."""

from __future__ import annotations

from netspec.graph import Node
from netspec.layers.convolution import Conv
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.window import onnx_pads


@lower.register
def _(layer: Conv, node: Node, to: Builder, x: str) -> str:
    return to.add(
        "Conv",
        [x, *to.weights_of(node).values()],
        node.name,
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        pads=onnx_pads(node.input_shape[:-1], layer.extents, layer.strides, layer.padding),
        dilations=layer.dilation_rate,
        group=layer.groups,
    )
