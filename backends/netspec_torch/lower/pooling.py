"""Pooling in PyTorch."""

from __future__ import annotations

from netspec.code import arguments, literal, square
from netspec.graph import Node
from netspec.layers import AveragePooling2D, GlobalAveragePooling2D, MaxPooling2D, Pooling2D
from netspec_torch.lower.base import Lowered, Part, lower_layer
from netspec_torch.lower.window import padding

_AVERAGE_POOL = Part(
    "average_pool2d_padded",
    '''
def average_pool2d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real cells of every window; padding does not count."""
    cells = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool2d(cells, kernel_size, stride)
    return F.avg_pool2d(F.pad(x, padding), kernel_size, stride) / counts
''',
)


@lower_layer.register
def _(layer: MaxPooling2D, node: Node, x: str) -> Lowered:
    before, symmetric = padding(node.input_shape[:-1], layer.pool_size, layer.steps, layer.padding)
    named = _pool_steps(layer)
    if before:
        x = f'F.pad({x}, {literal(before)}, value=float("-inf"))'
    elif any(symmetric):
        named["padding"] = square(symmetric)
    return Lowered(f"F.max_pool2d({', '.join([x, *arguments([square(layer.pool_size)], named)])})")


@lower_layer.register
def _(layer: AveragePooling2D, node: Node, x: str) -> Lowered:
    before, symmetric = padding(node.input_shape[:-1], layer.pool_size, layer.steps, layer.padding)
    named = _pool_steps(layer)
    if before:
        window = [square(layer.pool_size), square(layer.steps), before]
        expression = f"average_pool2d_padded({', '.join([x, *arguments(window, {})])})"
        return Lowered(expression, needs=(_AVERAGE_POOL,))
    if any(symmetric):
        named |= {"padding": square(symmetric), "count_include_pad": False}
    return Lowered(f"F.avg_pool2d({', '.join([x, *arguments([square(layer.pool_size)], named)])})")


def _pool_steps(layer: Pooling2D) -> dict[str, object]:
    return {} if layer.steps == layer.pool_size else {"stride": square(layer.steps)}


@lower_layer.register
def _(layer: GlobalAveragePooling2D, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.mean((2, 3){', keepdim=True' if layer.keepdims else ''})")
