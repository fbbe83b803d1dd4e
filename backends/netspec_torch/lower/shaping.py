"""Layers that move values, in PyTorch."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, square
from netspec.graph import Node
from netspec.language.layers.shaping import (
    Cropping,
    Permute,
    RepeatVector,
    Reshape,
    Sides,
    UpSampling,
    UpSampling2D,
    ZeroPadding,
)
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(_layer: Reshape, node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.reshape(-1, {', '.join(map(str, node.shape))})")


@lower_layer.register
def _(layer: Permute, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.permute(0, {', '.join(map(str, layer.dims))})")


@lower_layer.register
def _(layer: RepeatVector, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.unsqueeze(1).expand(-1, {layer.n}, -1)")


@lower_layer.register
def _(layer: ZeroPadding, _node: Node, x: str) -> Lowered:
    return Lowered(padded(x, layer.sides))


@lower_layer.register
def _(layer: Cropping, _node: Node, x: str) -> Lowered:
    return Lowered(cropped(x, layer.sides))


def padded(x: str, sides: tuple[Sides, ...], fill: float = 0.0) -> str:
    """Channels-first `x` with padding around its space; F.pad takes the last axis first."""
    padding = tuple(count for side in reversed(sides) for count in side)
    named = {"value": fill} if fill else {}
    return f"F.pad({', '.join([x, *arguments([padding], named)])})"


def cropped(x: str, sides: tuple[Sides, ...]) -> str:
    """Channels-first `x` without the pixels at the sides of its space."""
    slices = (f"{before or ''}:{-after or ''}" for before, after in sides)
    return f"{x}[:, :, {', '.join(slices)}]"


# The mode nearest-exact takes the pixel at (i + 1/2) / factor, which rounding cannot move into the
# next one; the mode nearest takes the pixel at i / factor.
@lower_layer.register
def _(layer: UpSampling, _node: Node, x: str) -> Lowered:
    smooth = isinstance(layer, UpSampling2D) and layer.interpolation == "bilinear"
    mode = "bilinear" if smooth else "nearest-exact"
    named = {"scale_factor": square(layer.factors), "mode": mode}
    return Lowered(f"F.interpolate({', '.join([x, *arguments([], named)])})")
