"""Merging in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

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
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.normalization import unit

LENGTH_FLOOR = 1e-7  # keras.ops.normalize divides by no less


@lower.register
def _(_layer: Add, node: Node, to: Builder, *x: str) -> str:
    return to.add("Add" if len(x) == 2 else "Sum", x, node.name)


@lower.register
def _(_layer: Subtract, node: Node, to: Builder, *x: str) -> str:
    return to.add("Sub", x, node.name)


@lower.register
def _(_layer: Multiply, node: Node, to: Builder, *x: str) -> str:
    product, *others = x
    for count, other in enumerate(others, start=2):
        name = node.name if count == len(x) else f"{node.name}.first_{count}"
        product = to.add("Mul", [product, other], name)
    return product


@lower.register
def _(_layer: Average, node: Node, to: Builder, *x: str) -> str:
    return to.add("Mean", x, node.name)


@lower.register
def _(_layer: Maximum, node: Node, to: Builder, *x: str) -> str:
    return to.add("Max", x, node.name)


@lower.register
def _(_layer: Minimum, node: Node, to: Builder, *x: str) -> str:
    return to.add("Min", x, node.name)


@lower.register
def _(layer: Concatenate, node: Node, to: Builder, *x: str) -> str:
    axis = node.dimension(axis_index(layer.axis, node.shape))
    return to.add("Concat", x, node.name, axis=axis)


@lower.register
def _(layer: Dot, node: Node, to: Builder, *x: str) -> str:
    if layer.normalize:
        x = _normalized(layer, node, to, x)
    equation = layer.equation(node.input_shapes)
    if all(len(shape) == 1 for shape in node.input_shapes):
        value = to.add("Einsum", x, f"{node.name}.value", equation=equation)
        axis = to.integers(f"{node.name}.axis", [1])
        return to.add("Unsqueeze", [value, axis], node.name)
    return to.add("Einsum", x, node.name, equation=equation)


def _normalized(layer: Dot, node: Node, to: Builder, x: Sequence[str]) -> tuple[str, ...]:
    """The inputs divided by their lengths along the summed axes."""
    names = [f"{node.name}.{side}" for side in ("first", "second")]
    indices = layer.indices(node.input_shapes)
    return tuple(
        unit(tensor, [index + 1], LENGTH_FLOOR, name, to)
        for tensor, index, name in zip(x, indices, names, strict=True)
    )
