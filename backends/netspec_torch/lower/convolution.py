"""Convolutions in PyTorch."""

from __future__ import annotations

from netspec.code import arguments, literal, square
from netspec.graph import Node
from netspec.layers import Conv2D
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.window import padding


@lower_layer.register
def _(layer: Conv2D, node: Node, x: str) -> Lowered:
    space = node.input_shape[:-1]
    before, symmetric = padding(space, layer.extents, layer.strides, layer.padding)
    named: dict[str, object] = {}
    if set(layer.strides) != {1}:
        named["stride"] = square(layer.strides)
    if any(symmetric):
        named["padding"] = square(symmetric)
    if set(layer.dilation_rate) != {1}:
        named["dilation"] = square(layer.dilation_rate)
    if layer.groups != 1:
        named["groups"] = layer.groups
    if not layer.use_bias:
        named["bias"] = False
    sizes = [node.input_shape[-1], layer.filters, square(layer.kernel_size)]
    padded = f"F.pad({x}, {literal(before)})" if before else x
    return Lowered(
        f"self.{node.name}({padded})",
        "nn.Conv2d",
        arguments(sizes, named),
        parameters={"kernel": "weight"},
    )
