"""Computes no more of a tensor than is read of it.

Windows with padding 'valid' leave the last cells unread where they do not fit once more, and
croppings leave cells of their own. Extents are inferred from the outputs back to the inputs, as
Halide infers bounds (Ragan-Kelley et al., 2013), and what nothing reads is cut off at the source.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace

from netspec.graph import Graph, Node
from netspec.language.layers import Shape
from netspec.language.layers.base import Extents, whole
from netspec.language.layers.shaping import Cropping, Cropping1D, Cropping2D, Cropping3D, Sides

LEAST_SAVING = 0.02
"""The part of the multiplications that pays for the crops, which are copies between layers.

ResNet50 without its BatchNormalization would save .003 with six crops, and was .93 times as fast
with them: crops part convolutions from sums that ONNX Runtime 1.32 computes with them.
"""


def needed_extent(graph: Graph) -> Graph:
    """Crop where a tensor begins, so that every layer gives what is needed of it.

    The layers give the same values there, and get the same gradients: those of unread cells are 0.
    A graph that would not save a part of its multiplications, LEAST_SAVING, stays as it is.
    """
    cropped = _Cropped(graph, _needed(graph))
    for node in graph.nodes:
        cropped.add(node)
    smaller = replace(graph, nodes=tuple(cropped.nodes.values()))
    limit = (1 - LEAST_SAVING) * graph.multiply_adds
    return smaller if smaller.multiply_adds < limit else graph


def _needed(graph: Graph) -> dict[str, Extents]:
    """What is needed of every tensor."""
    needed = {node.name: whole(node.shape) for node in graph.output_nodes}
    for node in reversed(graph.nodes):
        part = needed.setdefault(node.name, whole(node.shape))
        for name, read in zip(node.inputs, _reads(node, part), strict=True):
            needed[name] = _hull(needed.get(name, read), read)
    return needed


def _reads(node: Node, part: Extents) -> tuple[Extents, ...]:
    """What a node reads of every input for a part of its output."""
    if isinstance(node.layer, Cropping):
        sides = (*node.layer.sides, (0, 0))
        return (tuple(_moved(it, by) for it, (by, _) in zip(part, sides, strict=True)),)
    return node.layer.reads(part, node.input_shapes)


def _moved(extent: tuple[int, int], by: int) -> tuple[int, int]:
    return extent[0] + by, extent[1] + by


def _hull(one: Extents, other: Extents) -> Extents:
    pairs = zip(one, other, strict=True)
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs)


class _Cropped:
    """The nodes of a graph with croppings between them, while they are gathered.

    `there` holds what is there of every tensor, counted from its first cell in the graph as it was;
    `held` the name of the tensor that holds it, where it is another's. `parts` counts what was cut
    from a tensor.
    """

    def __init__(self, graph: Graph, needed: Mapping[str, Extents]) -> None:
        self.outputs = frozenset(graph.outputs)
        self.needed = needed
        self.nodes: dict[str, Node] = {}
        self.there = {each.name: whole(each.shape) for each in graph.inputs}
        self.held: dict[str, str] = {}
        self.cropped: dict[tuple[str, Extents], str] = {}
        self.parts = Counter[str]()

    def add(self, node: Node) -> None:
        part = self.needed[node.name]
        reads = _reads(node, part)
        if isinstance(node.layer, Cropping):
            self._crop(node.name, node.inputs[0], reads[0], part)
            return
        # A layer that gives all may see cells that it does not read, but none before the first.
        surplus = part == whole(node.shape)
        inputs = tuple(
            self._given(name, read, surplus=surplus)
            for name, read in zip(node.inputs, reads, strict=True)
        )
        shapes = tuple(_shape(self.there[name]) for name in inputs)
        shape = node.layer.infer_shape(shapes)
        names = tuple(self.held.get(name, name) for name in inputs)
        self.nodes[node.name] = replace(node, inputs=names, input_shapes=shapes, shape=shape)
        # Along an axis that is padded a layer reads all, and gives all.
        self.there[node.name] = tuple(
            wanted if wanted[1] - wanted[0] == size else (0, size)
            for wanted, size in zip(part, shape, strict=True)
        )

    def _given(self, name: str, read: Extents, *, surplus: bool) -> str:
        """The name of the tensor that holds what is read of `name`."""
        there = self.there[name]
        starts = [first for first, _ in there] == [first for first, _ in read]
        if there == read or (surplus and starts):
            return name
        if (name, read) not in self.cropped:
            before = self.parts[name]
            self.parts[name] += 1
            cropped = f"{name}.needed_{before}" if before else f"{name}.needed"
            self.cropped[name, read] = cropped
            self._crop(cropped, name, read, read)
        return self.cropped[name, read]

    def _crop(self, name: str, of: str, read: Extents, part: Extents) -> None:
        """Make the tensor `name` of what is read of another; `part` is what it is then called."""
        there, held = self.there[of], self.held.get(of, of)
        self.there[name] = part
        if there == read and name not in self.outputs:
            self.held[name] = held
            return
        sides = tuple(
            (first - start, end - behind)
            for (start, end), (first, behind) in zip(there[:-1], read[:-1], strict=True)
        )
        layer = _cropping(sides)
        self.nodes[name] = Node(name, layer, (held,), (_shape(there),), _shape(read))


def _shape(part: Extents) -> Shape:
    return tuple(behind - first for first, behind in part)


def _cropping(sides: tuple[Sides, ...]) -> Cropping1D | Cropping2D | Cropping3D:
    match sides:
        case (along,):
            return Cropping1D(cropping=along)
        case (down, across):
            return Cropping2D(cropping=(down, across))
        case (deep, down, across):
            return Cropping3D(cropping=(deep, down, across))
        case _:
            raise ValueError(sides)
