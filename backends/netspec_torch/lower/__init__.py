"""Lowers every layer to PyTorch, one short function each, by family."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.families import family_modules
from netspec_torch.lower.base import Lowered, lower_layer

FAMILIES = family_modules(__name__)
"""The modules that register their layers."""

NOTES: dict[str, str] = {
    "TimeDistributed": "as the layer inside",
}
"""Notes for the page of the layers, for layers that are not lowered like the others."""


def lower(node: Node, *x: str) -> Lowered:
    """A node in PyTorch; `x` are the variables that hold its inputs."""
    return lower_layer(node.layer, node, *x)


__all__ = ["FAMILIES", "NOTES", "Lowered", "lower", "lower_layer"]
