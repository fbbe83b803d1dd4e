"""Computes only the part of a tensor that is read.

Windows with padding 'valid' do not read the last positions where they do not fit again, and
croppings do not read the border. Extents are inferred from the outputs back to the inputs, as
Halide infers bounds (Ragan-Kelley et al., 2013). What no layer reads is cropped from the input.
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
"""The minimum part of the multiplications to save, because crops are copies between layers.

ResNet50 without its BatchNormalization would save .003 with six crops, and was .93 times as fast
with them: crops separate convolutions from sums that ONNX Runtime 1.32 fuses with them.
"""


def needed_extent(graph: Graph) -> Graph:
    """Crop the inputs, so that every layer computes only what is needed.

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

    The needed values and their gradients are unchanged: the gradients of unread positions are 0. A
    graph that would save less than LEAST_SAVING of its multiplications is unchanged.
    """
    cropped = _Cropped(graph, _needed(graph))
    for node in graph.nodes:
        cropped.add(node)
    smaller = cropped.rewriter.graph()
    limit = (1 - LEAST_SAVING) * graph.multiply_adds
    return smaller if smaller.multiply_adds < limit else graph


def _needed(graph: Graph) -> dict[str, Extents]:
    """The needed part of every tensor."""
    needed = {node.name: whole(node.shape) for node in graph.output_nodes}
    for node in reversed(graph.nodes):
        part = needed.setdefault(node.name, whole(node.shape))
        for name, read in zip(node.inputs, _reads(node, part), strict=True):
            needed[name] = _hull(needed.get(name, read), read)
    return needed


def _reads(node: Node, part: Extents) -> tuple[Extents, ...]:
    """The part of every input that a node reads for a part of its output."""
    if isinstance(node.layer, Cropping):
        sides = (*node.layer.sides, (0, 0))
        return (tuple(_moved(extent, by) for extent, (by, _) in zip(part, sides, strict=True)),)
    return node.layer.reads(part, node.input_shapes)


def _moved(extent: tuple[int, int], by: int) -> tuple[int, int]:
    return extent[0] + by, extent[1] + by


def _hull(first: Extents, other: Extents) -> Extents:
    pairs = zip(first, other, strict=True)
    return tuple((min(a[0], b[0]), max(a[1], b[1])) for a, b in pairs)


class _Cropped:
    """A graph, while croppings are inserted between its nodes.

    `extents` has the part of every tensor that is computed, counted from its first position in the
    original graph. `stored` has the name of the tensor that contains it, where this is another one.
    `parts` counts the crops of a tensor.
    """

    def __init__(self, graph: Graph, needed: Mapping[str, Extents]) -> None:
        self.rewriter = Rewriter(graph)
        self.needed = needed
        self.extents = {input_.name: whole(input_.shape) for input_ in graph.inputs}
        self.stored: dict[str, str] = {}
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
        # For a complete output an input may have unread positions, but none before the first.
        surplus = part == whole(node.shape)
        inputs = tuple(
            self._part(node, name, read, surplus=surplus)
            for name, read in zip(node.inputs, reads, strict=True)
        )
        shapes = tuple(_shape(self.extents[name]) for name in inputs)
        shape = node.layer.infer_shape(shapes)
        names = tuple(self.stored.get(name, name) for name in inputs)
        self.rewriter.replace(replace(node, inputs=names, input_shapes=shapes, shape=shape))
        # Along a padded axis a layer reads and computes everything.
        self.extents[node.name] = tuple(
            extent if extent[1] - extent[0] == size else (0, size)
            for extent, size in zip(part, shape, strict=True)
        )

    def _part(self, reader: Node, name: str, read: Extents, *, surplus: bool) -> str:
        """The name of the tensor that has the part of `name` which a node reads."""
        extent = self.extents[name]
        starts = [first for first, _ in extent] == [first for first, _ in read]
        if extent == read or (surplus and starts):
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
        """The node `name` that crops a tensor to what is read; `part` is the extent of the result.

        None where this is the whole tensor, which is then read instead.
        """
        extent, stored = self.extents[source], self.stored.get(source, source)
        self.extents[name] = part
        if extent == read and not self.rewriter.is_output(name):
            self.stored[name] = stored
            return None
        sides = tuple(
            (first - start, end - last)
            for (start, end), (first, last) in zip(extent[:-1], read[:-1], strict=True)
        )
        return Node(name, _cropping(sides), (stored,), (_shape(extent),), _shape(read))


def _shape(part: Extents) -> Shape:
    return tuple(end - first for first, end in part)


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
