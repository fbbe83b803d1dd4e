"""Convolutions in PyTorch."""

from __future__ import annotations

from netspec.code import arguments, literal, square
from netspec.graph import Node
from netspec.layers.convolution import Conv, Kernel
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.window import padding

MEMORY_FORMATS = {1: "", 2: "channels_last", 3: "channels_last_3d"}
"""The memory format in which a module of each rank is fastest on channels-last tensors."""


@lower_layer.register
def _(layer: Conv, node: Node, x: str) -> Lowered:
    padded, named = _window(layer, node, x)
    if layer.groups != 1:
        named["groups"] = layer.groups
    if not layer.use_bias:
        named["bias"] = False
    sizes = [node.input_shape[-1], layer.filters, square(layer.kernel_size)]
    rank = len(layer.kernel_size)
    return Lowered(
        f"self.{node.name}({padded})",
        f"nn.Conv{rank}d",
        arguments(sizes, named),
        parameters={"kernel": "weight"},
        memory_format=MEMORY_FORMATS[rank],
    )


def _window(layer: Kernel, node: Node, x: str) -> tuple[str, dict[str, object]]:
    """The padded input, and the arguments that say how the kernel moves."""
    space = node.input_shape[:-1]
    before, symmetric = padding(space, layer.extents, layer.strides, layer.padding)
    named: dict[str, object] = {}
    if set(layer.strides) != {1}:
        named["stride"] = square(layer.strides)
    if any(symmetric):
        named["padding"] = square(symmetric)
    if set(layer.dilation_rate) != {1}:
        named["dilation"] = square(layer.dilation_rate)
    return f"F.pad({x}, {literal(before)})" if before else x, named
