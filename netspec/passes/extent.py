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
from netspec.graph.rewrite import Rewriter
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

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [7, 7, 1]
    ... layers:
    ...   - Conv2D: {filters: 2, kernel_size: 2}
    ...   - MaxPooling2D: {pool_size: 4}
    ... ''').graph
    >>> print(listing(needed_extent(graph)))
    input: (7, 7, 1)
    input.needed: (5, 5, 1) = Cropping2D(input) {cropping: [[0, 2], [0, 2]]}
    conv2d: (4, 4, 2) = Conv2D(input.needed) {filters: 2, kernel_size: [2, 2]}
    max_pooling2d: (1, 1, 2) = MaxPooling2D(conv2d) {pool_size: [4, 4]}
    output: max_pooling2d

    The layers give the same values there, and get the same gradients: those of unread cells are 0.
    A graph that would not save a part of its multiplications, LEAST_SAVING, stays as it is.
    """
    cropped = _Cropped(graph, _needed(graph))
    for node in graph.nodes:
        cropped.add(node)
    smaller = cropped.rewriter.graph()
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
    """A graph, while croppings are inserted between its nodes.

    `there` holds what is there of every tensor, counted from its first cell in the graph as it was;
    `held` the name of the tensor that holds it, where it is another's. `parts` counts what was cut
    from a tensor.
    """

    def __init__(self, graph: Graph, needed: Mapping[str, Extents]) -> None:
        self.rewriter = Rewriter(graph)
        self.needed = needed
        self.there = {each.name: whole(each.shape) for each in graph.inputs}
        self.held: dict[str, str] = {}
        self.cropped: dict[tuple[str, Extents], str] = {}
        self.parts = Counter[str]()

    def add(self, node: Node) -> None:
        part = self.needed[node.name]
        reads = _reads(node, part)
        if isinstance(node.layer, Cropping):
            cropping = self._crop(node.name, node.inputs[0], reads[0], part)
            if cropping:
                self.rewriter.replace(cropping)
            else:
                self.rewriter.remove(node.name)
            return
        # A layer that gives all may see cells that it does not read, but none before the first.
        surplus = part == whole(node.shape)
        inputs = tuple(
            self._given(node, name, read, surplus=surplus)
            for name, read in zip(node.inputs, reads, strict=True)
        )
        shapes = tuple(_shape(self.there[name]) for name in inputs)
        shape = node.layer.infer_shape(shapes)
        names = tuple(self.held.get(name, name) for name in inputs)
        self.rewriter.replace(replace(node, inputs=names, input_shapes=shapes, shape=shape))
        # Along an axis that is padded a layer reads all, and gives all.
        self.there[node.name] = tuple(
            wanted if wanted[1] - wanted[0] == size else (0, size)
            for wanted, size in zip(part, shape, strict=True)
        )

    def _given(self, reader: Node, name: str, read: Extents, *, surplus: bool) -> str:
        """The name of the tensor that has what a node reads of `name`."""
        there = self.there[name]
        starts = [first for first, _ in there] == [first for first, _ in read]
        if there == read or (surplus and starts):
            return name
        if (name, read) not in self.cropped:
            before = self.parts[name]
            self.parts[name] += 1
            cropped = f"{name}.needed_{before}" if before else f"{name}.needed"
            self.cropped[name, read] = cropped
            if cropping := self._crop(cropped, name, read, read):
                self.rewriter.insert_before(reader.name, cropping)
        return self.cropped[name, read]

    def _crop(self, name: str, source: str, read: Extents, part: Extents) -> Node | None:
        """The node `name` that crops what is read of a tensor; `part` is the extent of the result.

        None where that is the whole tensor, which is then read instead.
        """
        there, held = self.there[source], self.held.get(source, source)
        self.there[name] = part
        if there == read and not self.rewriter.is_output(name):
            self.held[name] = held
            return None
        sides = tuple(
            (first - start, end - last)
            for (start, end), (first, last) in zip(there[:-1], read[:-1], strict=True)
        )
        return Node(name, _cropping(sides), (held,), (_shape(there),), _shape(read))


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
