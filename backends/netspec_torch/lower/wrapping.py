"""Layers around a layer, in PyTorch."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.recurrent import RecurrentLayer
from netspec.language.layers.wrapping import Bidirectional, FoldSteps, UnfoldSteps
from netspec_torch.lower.base import Lowered, lower_layer
from netspec_torch.lower.recurrent import fused, recurrent_module

_MERGES = {
    "concat": "concatenated",
    "sum": "torch.add",
    "mul": "torch.mul",
    "ave": "average",
}
"""The function of both directions for every merge mode."""


@lower_layer.register
def _(layer: Bidirectional, node: Node, x: str) -> Lowered:
    inner: RecurrentLayer = layer.layer
    name, arguments, needs = recurrent_module(inner, node.input_shape[-1])
    constructor = f"{name}({', '.join(arguments)})"
    # Each direction draws separate masks, which one call for both could not have.
    around = "FusedBidirectional" if fused(inner) and inner.dropout == 0 else "Bidirectional"
    merge = _MERGES[layer.merge_mode]
    return Lowered(
        f"self.{node.name}({x})",
        around,
        [constructor, constructor, merge],
        (*needs, around, *([] if "." in merge else [merge])),
        {weight.name: weight.name.replace(".", "_layer.") for weight in node.weights},
    )


@lower_layer.register
def _(_layer: FoldSteps, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.flatten(0, 1)")


@lower_layer.register
def _(_layer: UnfoldSteps, node: Node, x: str, _sequences: str) -> Lowered:
    return Lowered(f"{x}.unflatten(0, (-1, {node.shape[0]}))")
