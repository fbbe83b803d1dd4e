"""Layers around a layer, in PyTorch."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.recurrent import RecurrentLayer
from netspec.language.layers.wrapping import Bidirectional, FoldSteps, UnfoldSteps
from netspec_torch.lower.base import Lowered, Part, lower_layer
from netspec_torch.lower.recurrent import fused, recurrent_module

_BIDIRECTIONAL = Part(
    "Bidirectional",
    '''
class Bidirectional(nn.Module):
    """A recurrent layer, one like it from the last step to the first, and `merge` of their outputs.

    Without `return_sequences` each gives its own last state.
    """

    def __init__(self, forward_layer, backward_layer, merge) -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self.merge = merge

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(*self.directions(x))

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, z = self.forward_layer(x), self.backward_layer(x.flip(1))
        return y, z.flip(1) if self.forward_layer.return_sequences else z
''',
)

_FUSED_BIDIRECTIONAL = Part(
    "FusedBidirectional",
    '''
class FusedBidirectional(Bidirectional):
    """Both directions in one call of PyTorch's fused kernel."""

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer = self.forward_layer
        y, z = layer.run(x, [*layer.weights(), *self.backward_layer.weights()], 2).chunk(2, -1)
        return (y, z) if layer.return_sequences else (y[:, -1], z[:, 0])
''',
    needs=(_BIDIRECTIONAL,),
)

_CONCATENATED = Part(
    "concatenated",
    """
def concatenated(y: Tensor, z: Tensor) -> Tensor:
    return torch.cat([y, z], -1)
""",
)

_AVERAGE = Part(
    "average",
    """
def average(y: Tensor, z: Tensor) -> Tensor:
    return (y + z) / 2
""",
)

_MERGES: dict[str, str | Part] = {
    "concat": _CONCATENATED,
    "sum": "torch.add",
    "mul": "torch.mul",
    "ave": _AVERAGE,
}
"""The function of both directions for every merge mode."""


@lower_layer.register
def _(layer: Bidirectional, node: Node, x: str) -> Lowered:
    inner: RecurrentLayer = layer.layer
    part, arguments, parts = recurrent_module(inner, node.input_shape[-1])
    constructor = f"{part.name}({', '.join(arguments)})"
    # Each direction draws masks of its own, which one call for both could not have.
    around = _FUSED_BIDIRECTIONAL if fused(inner) and inner.dropout == 0 else _BIDIRECTIONAL
    merge = _MERGES[layer.merge_mode]
    function, more = (merge.name, (merge,)) if isinstance(merge, Part) else (merge, ())
    return Lowered(
        f"self.{node.name}({x})",
        around.name,
        [constructor, constructor, function],
        (*parts, around, *more),
        {weight.name: weight.name.replace(".", "_layer.") for weight in node.weights},
    )


@lower_layer.register
def _(_layer: FoldSteps, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.flatten(0, 1)")


@lower_layer.register
def _(_layer: UnfoldSteps, node: Node, x: str, _sequences: str) -> Lowered:
    return Lowered(f"{x}.unflatten(0, (-1, {node.shape[0]}))")
