"""Merging in PyTorch."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.base import axis_index
from netspec.language.layers.merging import (
    Add,
    Average,
    Concatenate,
    Dot,
    Maximum,
    Minimum,
    Multiply,
    Subtract,
)
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(_layer: Add, _node: Node, *x: str) -> Lowered:
    return Lowered(" + ".join(x))


@lower_layer.register
def _(_layer: Subtract, _node: Node, first: str, second: str) -> Lowered:
    return Lowered(f"{first} - {second}")


@lower_layer.register
def _(_layer: Multiply, _node: Node, *x: str) -> Lowered:
    return Lowered(" * ".join(x))


@lower_layer.register
def _(_layer: Average, _node: Node, *x: str) -> Lowered:
    return Lowered(f"({' + '.join(x)}) / {len(x)}")


@lower_layer.register
def _(_layer: Maximum, _node: Node, *x: str) -> Lowered:
    return Lowered(f"maximum({', '.join(x)})", needs=("maximum",))


@lower_layer.register
def _(_layer: Minimum, _node: Node, *x: str) -> Lowered:
    return Lowered(f"minimum({', '.join(x)})", needs=("minimum",))


@lower_layer.register
def _(layer: Concatenate, node: Node, *x: str) -> Lowered:
    dim = node.dimension(axis_index(layer.axis, node.shape))
    return Lowered(f"torch.cat(({', '.join(x)}), dim={dim})")


@lower_layer.register
def _(layer: Dot, node: Node, *x: str) -> Lowered:
    if layer.normalize:
        dims = [index + 1 for index in layer.indices(node.input_shapes)]
        x = tuple(
            f"F.normalize({tensor}, dim={dim}, eps=1e-7)"
            for tensor, dim in zip(x, dims, strict=True)
        )
    if all(len(shape) == 1 for shape in node.input_shapes):
        return Lowered(f"({' * '.join(x)}).sum(1, keepdim=True)")
    return Lowered(f'torch.einsum("{layer.equation(node.input_shapes)}", {", ".join(x)})')
