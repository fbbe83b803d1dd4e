"""What is done to values before a network sees them, in PyTorch."""

from __future__ import annotations

from netspec.backend.emit.code import Code, arguments, square
from netspec.graph import Node
from netspec.language.layers import Shape
from netspec.language.layers.preprocessing import Fitting, Normalization, Rescaling, Resizing, along
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.shaping import cropped, padded


@lower_layer.register
def _(layer: Rescaling, node: Node, x: str) -> Lowered:
    return _rescaled(layer.scale, layer.offset, len(node.shape) - 1, node, x)


@lower_layer.register
def _(layer: Normalization, node: Node, x: str) -> Lowered:
    axis = layer.listed_axis(node.input_shape)
    if layer.invert:
        return _rescaled(layer.deviation, layer.mean, axis, node, x)
    if len(layer.mean) == 1:
        shifted = f"({x}{_plus(-layer.mean[0])})" if layer.mean[0] else x
        return Lowered(f"{shifted} / {layer.deviation[0]!r}")
    shape = along(len(layer.mean), axis, len(node.shape), node.layout)
    return _module("Normalization", layer.mean, layer.deviation, shape, node, x)


def _rescaled(
    scale: tuple[float, ...], offset: tuple[float, ...], axis: int, node: Node, x: str
) -> Lowered:
    count = max(len(scale), len(offset))
    if count == 1:
        return Lowered(f"{x} * {scale[0]!r}{_plus(offset[0])}")
    shape = along(count, axis, len(node.shape), node.layout)
    return _module("Rescaling", scale, offset, shape, node, x)


def _plus(number: float) -> str:
    """What adds a number to an expression."""
    return f" {'-' if number < 0 else '+'} {abs(number)!r}" if number else ""


def _module(
    name: str,
    first: tuple[float, ...],
    second: tuple[float, ...],
    shape: Shape,
    node: Node,
    x: str,
) -> Lowered:
    """A module that holds two lists of numbers; where there is only one number, it is repeated."""
    lists = [numbers * (shape[0] // len(numbers)) for numbers in (first, second)]
    code = [Code(f"[{', '.join(map(repr, numbers))}]") for numbers in lists]
    return Lowered(f"self.{node.name}({x})", name, arguments([*code, shape], {}), (name,))


@lower_layer.register
def _(layer: Fitting, node: Node, x: str) -> Lowered:
    fit = layer.fit(node.input_shape)
    if any(map(any, fit.cut)):
        x = cropped(x, fit.cut)
    if isinstance(layer, Resizing) and any(map(any, fit.added)):
        x = padded(x, fit.added, layer.fill_value)
    size = (layer.height, layer.width)
    if fit.size == size:
        return Lowered(x)
    nearest = isinstance(layer, Resizing) and layer.interpolation == "nearest"
    named = {"size": square(size), "mode": "nearest-exact" if nearest else "bilinear"}
    return Lowered(f"F.interpolate({', '.join([x, *arguments([], named)])})")
