"""What a layer becomes in PyTorch: a module, a line in `forward`, and the definitions of both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

from netspec.backend.emit.code import call
from netspec.backend.emit.document import Document
from netspec.graph import Node
from netspec.language.layers import Weight
from netspec.language.layers.axes import channels_first


@dataclass(frozen=True)
class Lowered:
    """A layer in PyTorch: the module it keeps, where it keeps one, and its line in `forward`.

    `needs` names the definitions in `netspec_torch.parts` that both use. `parameters` contains the
    name of a weight inside the module where it is another than Keras's, `axes` the permutation of
    its axes where it is not `channels_first`; the permuted weight is reshaped to the shape in the
    module. For a depthwise kernel (channels multiplier, 1, …) `split` contains channels and
    multiplier. `memory_format` is PyTorch's format in which the module is fastest, where it is not
    the usual one. `without_gradient` is the expression for inputs that need no gradient, where it
    is another one.
    """

    expression: str
    constructor: str = ""
    arguments: list[str] = field(default_factory=list[str])
    needs: tuple[str, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    axes: dict[str, tuple[int, ...]] = field(default_factory=dict[str, tuple[int, ...]])
    split: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])
    memory_format: str = ""
    without_gradient: str = ""

    def place(self, weight: Weight) -> tuple[str, tuple[int, ...]]:
        """The weight's name inside the module, and the permutation of its axes."""
        axes = self.axes.get(weight.name, channels_first(weight.axes))
        return self.parameters.get(weight.name, weight.name), axes


def unfolded(target: str, split: tuple[int, int]) -> Document:
    """A line that makes `kernel` a view of the depthwise kernel `target`, with an axis for each."""
    return call("kernel = torch.unflatten", [target, "0", str(split)], ".squeeze(2)")


@singledispatch
def lower_layer(layer: object, node: Node, *x: str) -> Lowered:
    """A layer in PyTorch; `x` are the variables that hold its inputs, laid out as it wants."""
    raise NotImplementedError(layer)
