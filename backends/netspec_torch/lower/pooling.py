"""Pooling in PyTorch."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, literal, square
from netspec.graph import Node
from netspec.language.layers.pooling import (
    AveragePooling,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalPooling,
    MaxPooling,
    WindowPooling,
)
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.window import padding


@lower_layer.register
def _(layer: MaxPooling, node: Node, x: str) -> Lowered:
    before, symmetric = padding(node.input_shape[:-1], layer.window, layer.steps, layer.padding)
    named = _pool_steps(layer)
    if before:
        x = f'F.pad({x}, {literal(before)}, value=float("-inf"))'
    elif any(symmetric):
        named["padding"] = square(symmetric)
    window = arguments([square(layer.window)], named)
    return Lowered(f"F.max_pool{layer.rank}d({', '.join([x, *window])})")


@lower_layer.register
def _(layer: AveragePooling, node: Node, x: str) -> Lowered:
    space = node.input_shape[:-1]
    before, symmetric = padding(space, layer.window, layer.steps, layer.padding)
    wider = any(length > size for length, size in zip(layer.window, space, strict=True))
    if layer.rank == 3 and wider and not before:
        # F.avg_pool3d refuses a window that fits only with its padding (PyTorch 2.13).
        before = tuple(count for side in reversed(symmetric) for count in (side, side))
    if before:
        function = f"average_pool{layer.rank}d_padded"
        window = arguments([square(layer.window), square(layer.steps), before], {})
        return Lowered(f"{function}({', '.join([x, *window])})", needs=(function,))
    named = _pool_steps(layer)
    if any(symmetric):
        named |= {"padding": square(symmetric), "count_include_pad": False}
    window = arguments([square(layer.window)], named)
    return Lowered(f"F.avg_pool{layer.rank}d({', '.join([x, *window])})")


def _pool_steps(layer: WindowPooling) -> dict[str, object]:
    return {} if layer.steps == layer.window else {"stride": square(layer.steps)}


@lower_layer.register
def _(layer: GlobalMaxPooling, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.amax({_over_space(layer)})")


@lower_layer.register
def _(layer: GlobalAveragePooling, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.mean({_over_space(layer)})")


def _over_space(layer: GlobalPooling) -> str:
    """The arguments of a reduction over all axes except the batch and the channels."""
    named = {"keepdim": True} if layer.keepdims else {}
    return ", ".join(arguments([square(tuple(range(2, layer.rank + 2)))], named))
