"""Lowers every layer to PyTorch, one short function each, by family."""

from __future__ import annotations

from netspec.graph import Node
from netspec_torch.lower import convolution, core, normalization, pooling, regularization
from netspec_torch.lower.base import Lowered, Part, in_order, lower_layer

FAMILIES = (convolution, core, normalization, pooling, regularization)
"""The modules that register their layers."""


def lower(node: Node, *x: str) -> Lowered:
    """A node in PyTorch; `x` are the variables that hold its inputs."""
    return lower_layer(node.layer, node, *x)


__all__ = ["FAMILIES", "Lowered", "Part", "in_order", "lower", "lower_layer"]
