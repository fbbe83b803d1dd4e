"""Dropout in PyTorch."""

from __future__ import annotations

from netspec.code import literal
from netspec.graph import Node
from netspec.layers import Dropout
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(layer: Dropout, node: Node, x: str) -> Lowered:
    if layer.noise_shape is None:
        return Lowered(f"F.dropout({x}, {literal(layer.rate)}, self.training)")
    shape = ", ".join(map(str, layer.mask_shape(node.input_shape)))
    mask = f"{x}.new_ones(len({x}), {shape})"
    return Lowered(f"{x} * F.dropout({mask}, {literal(layer.rate)}, self.training)")
