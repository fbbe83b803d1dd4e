"""Regularization in PyTorch."""

from __future__ import annotations

from netspec.backend.emit.code import literal
from netspec.graph import Node
from netspec.language.layers import Shape
from netspec.language.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
)
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(layer: Dropout, node: Node, x: str) -> Lowered:
    if layer.noise_shape is None:
        return Lowered(f"F.dropout({x}, {literal(layer.rate)}, self.training)")
    return _masked(x, layer.mask_shape(node.input_shape), layer.rate)


def _masked(x: str, shape: Shape, rate: float) -> Lowered:
    """Dropout with a mask of this shape for every example."""
    mask = f"{x}.new_ones(len({x}), {', '.join(map(str, shape))})"
    return Lowered(f"{x} * F.dropout({mask}, {literal(rate)}, self.training)")


@lower_layer.register
def _(layer: SpatialDropout, node: Node, x: str) -> Lowered:
    if node.layout == "channels_first":
        return Lowered(f"F.dropout{layer.rank}d({x}, {literal(layer.rate)}, self.training)")
    return _masked(x, (*(1 for _ in range(layer.rank)), node.shape[-1]), layer.rate)


@lower_layer.register
def _(layer: GaussianNoise, _node: Node, x: str) -> Lowered:
    expression = f"gaussian_noise({x}, {literal(layer.stddev)}, self.training)"
    return Lowered(expression, needs=("gaussian_noise",))


@lower_layer.register
def _(layer: GaussianDropout, _node: Node, x: str) -> Lowered:
    expression = f"gaussian_dropout({x}, {literal(layer.rate)}, self.training)"
    return Lowered(expression, needs=("gaussian_dropout",))
