"""What a layer becomes in PyTorch: a module, a line in `forward`, and the parts that both use."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import singledispatch

from netspec.graph import Node
from netspec.layers import Weight
from netspec.weights import permutation


@dataclass(frozen=True)
class Part:
    """A definition that a generated module holds where it needs it, after those that it needs."""

    name: str
    text: str
    needs: tuple[Part, ...] = ()


def in_order(parts: Iterable[Part]) -> Iterator[Part]:
    """The parts and what they need, each once and behind what it needs."""
    seen: set[str] = set()

    def visit(part: Part) -> Iterator[Part]:
        if part.name not in seen:
            seen.add(part.name)
            for needed in part.needs:
                yield from visit(needed)
            yield part

    for part in parts:
        yield from visit(part)


@dataclass
class Lowered:
    """A layer in PyTorch: the module it keeps, where it keeps one, and its line in `forward`.

    `parameters` gives the name of a weight inside the module where it is another than Keras's,
    `axes` the order of its axes where it is another than `default_axes`. After the permutation the
    weight is reshaped to what the module holds. `memory_format` is that of PyTorch in which the
    module is fastest, where that is another than the usual one.
    """

    expression: str
    constructor: str = ""
    arguments: list[str] = field(default_factory=list[str])
    needs: tuple[Part, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict[str, str])
    axes: dict[str, tuple[str, ...]] = field(default_factory=dict[str, tuple[str, ...]])
    memory_format: str = ""

    def place(self, weight: Weight) -> tuple[str, tuple[int, ...]]:
        """The weight's name inside the module, and the permutation of its axes."""
        wanted = self.axes.get(weight.name, default_axes(weight.axes))
        name = self.parameters.get(weight.name, weight.name)
        return name, permutation(weight.axes, wanted)


def default_axes(axes: tuple[str, ...]) -> tuple[str, ...]:
    """PyTorch's order of a kernel's axes: the outputs, the inputs, and then space."""
    if axes[-2:] == ("in", "out"):
        return ("out", "in", *axes[:-2])
    return axes


@singledispatch
def lower_layer(layer: object, node: Node, *x: str) -> Lowered:
    """A layer in PyTorch; `x` are the variables that hold its inputs, laid out as it wants."""
    raise NotImplementedError(layer)
