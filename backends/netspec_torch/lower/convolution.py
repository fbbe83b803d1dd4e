"""Convolutions in PyTorch."""

from __future__ import annotations

from dataclasses import replace

from netspec.backend.emit.code import arguments, literal, square
from netspec.graph import Node
from netspec.language.layers.convolution import (
    Conv,
    ConvTranspose,
    DepthwiseConv,
    Kernel,
    SeparableConv,
)
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.window import padding

MEMORY_FORMATS = {1: "", 2: "channels_last", 3: "channels_last_3d"}
"""The memory format in which a module of each rank is fastest on channels-last tensors."""


@lower_layer.register
def _(layer: Conv, node: Node, x: str) -> Lowered:
    padded, named = _window(layer, node, x)
    if layer.groups != 1:
        named["groups"] = layer.groups
    return _module(layer, node, f"self.{node.name}({padded})", "Conv", layer.filters, named)


@lower_layer.register
def _(layer: DepthwiseConv, node: Node, x: str) -> Lowered:
    padded, named = _window(layer, node, x)
    *_, channels = node.input_shape
    named["groups"] = channels
    expression = f"self.{node.name}({padded})"
    lowered = _module(layer, node, expression, "Conv", node.shape[-1], named)
    return replace(lowered, split={"kernel": (channels, layer.depth_multiplier)})


@lower_layer.register
def _(layer: ConvTranspose, node: Node, x: str) -> Lowered:
    crops = layer.crops(node.input_shape[:-1])
    # PyTorch's padding drops the same on both sides, and its output_padding drops less at the end.
    named = _moves(layer, tuple(before for before, _ in crops))
    if any(after < before for before, after in crops):
        added = tuple(max(0, before - after) for before, after in crops)
        named["output_padding"] = square(added)
    expression = f"self.{node.name}({x})"
    if any(after > before for before, after in crops):
        kept = [f":{before - after}" if after > before else ":" for before, after in crops]
        expression = f"{expression}[..., {', '.join(kept)}]"
    return _module(layer, node, expression, "ConvTranspose", layer.filters, named)


def _module(
    layer: Conv | DepthwiseConv | ConvTranspose,
    node: Node,
    expression: str,
    kind: str,
    filters: int,
    named: dict[str, object],
) -> Lowered:
    """A layer that is one of PyTorch's own convolutions."""
    if not layer.use_bias:
        named["bias"] = False
    rank = len(layer.kernel_size)
    return Lowered(
        expression,
        f"nn.{kind}{rank}d",
        arguments([node.input_shape[-1], filters, square(layer.kernel_size)], named),
        parameters={"kernel": "weight"},
        memory_format=MEMORY_FORMATS[rank],
    )


@lower_layer.register
def _(layer: SeparableConv, node: Node, x: str) -> Lowered:
    padded, named = _window(layer, node, x)
    if layer.depth_multiplier != 1:
        named["multiplier"] = layer.depth_multiplier
    if not layer.use_bias:
        named["bias"] = False
    rank, channels = len(layer.kernel_size), node.input_shape[-1]
    name = f"SeparableConv{rank}d"
    return Lowered(
        f"self.{node.name}({padded})",
        name,
        arguments([channels, layer.filters, square(layer.kernel_size)], named),
        (name,),
        {
            "depthwise_kernel": "depthwise.weight",
            "pointwise_kernel": "pointwise.weight",
            "bias": "pointwise.bias",
        },
        split={"depthwise_kernel": (channels, layer.depth_multiplier)},
        memory_format=MEMORY_FORMATS[rank],
    )


def _window(layer: Kernel, node: Node, x: str) -> tuple[str, dict[str, object]]:
    """The padded input, and the arguments that say how the kernel moves."""
    space = node.input_shape[:-1]
    before, symmetric = padding(space, layer.extents, layer.strides, layer.padding)
    return f"F.pad({x}, {literal(before)})" if before else x, _moves(layer, symmetric)


def _moves(layer: Kernel, padding: tuple[int, ...]) -> dict[str, object]:
    """The arguments for the movement of the kernel, where they are not PyTorch's defaults."""
    named: dict[str, object] = {}
    if set(layer.strides) != {1}:
        named["stride"] = square(layer.strides)
    if any(padding):
        named["padding"] = square(padding)
    if set(layer.dilation_rate) != {1}:
        named["dilation"] = square(layer.dilation_rate)
    return named
