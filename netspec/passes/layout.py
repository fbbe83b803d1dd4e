"""Passes that backends need: separate activations, channels first, logits as outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from netspec.graph import Graph, Input, Node, activation
from netspec.graph.rewrite import Rewriter
from netspec.language.layers import Activation, Dense, Layout, Shape, Transpose
from netspec.language.layers.wrapping import FoldSteps, TimeDistributed, UnfoldSteps


def split_activations(graph: Graph) -> Graph:
    """Make every activation that a layer ends in a separate node.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [3]
    ... layers:
    ...   - Dense: {units: 2, activation: relu}
    ... ''').graph
    >>> print(listing(split_activations(graph)))
    input: (3)
    dense: (2) = Dense(input) {units: 2}
    dense.activation: (2) = Activation(dense) {activation: relu}
    output: dense.activation

    Afterwards only Activation ends in an activation other than linear. The new node is named
    `<layer>.activation`: no name in a spec has a dot.
    """
    rewriter = Rewriter(graph)
    for node in map(rewriter.current, graph.nodes):
        name = activation(node.layer)
        if isinstance(node.layer, Activation) or name == "linear":
            continue
        bare = node.layer.model_copy(update={"activation": "linear"})
        rewriter.replace(replace(node, layer=bare))
        layer, separate = Activation(activation=name), f"{node.name}.activation"
        reading = Node(separate, layer, (node.name,), (node.shape,), node.shape)
        rewriter.insert_after(node.name, reading)
        rewriter.redirect(node.name, separate)
    return rewriter.graph()


def unwrapped(graph: Graph) -> Graph:
    """Replace TimeDistributed by the layer in it, between layers that fold and unfold the steps.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [5, 8, 8, 1]
    ... layers:
    ...   - TimeDistributed: {layer: Flatten}
    ... ''').graph
    >>> print(listing(unwrapped(graph)))
    input: (5, 8, 8, 1)
    time_distributed.example: (8, 8, 1) = FoldSteps(input)
    time_distributed: (64) = Flatten(time_distributed.example)
    time_distributed.steps: (5, 64) = UnfoldSteps(time_distributed, input)
    output: time_distributed.steps

    A layer that works along the last axis takes sequences unchanged. The layer keeps its name, and
    therefore the keys of its weights. The unfolded tensor is named `<layer>.steps`.
    """
    rewriter = Rewriter(graph)
    for node in map(rewriter.current, graph.nodes):
        name = node.name
        if not isinstance(node.layer, TimeDistributed):
            continue
        inner = node.layer.layer.model_copy(update={"trainable": node.layer.trainable})
        if isinstance(inner, Dense | Activation):
            rewriter.replace(replace(node, layer=inner))
            continue
        example, steps = f"{name}.example", f"{name}.steps"
        before, after = (node.input_shape[1:],), node.shape[1:]
        folded = Node(example, FoldSteps(), node.inputs, node.input_shapes, before[0])
        unfolded = Node(
            steps, UnfoldSteps(), (name, *node.inputs), (after, *node.input_shapes), node.shape
        )
        rewriter.insert_before(name, folded)
        rewriter.replace(
            replace(node, layer=inner, inputs=(example,), input_shapes=before, shape=after)
        )
        rewriter.insert_after(name, unfolded)
        rewriter.redirect(name, steps)
    return rewriter.graph()


def without_final_activations(graph: Graph, chosen: Sequence[bool]) -> Graph:
    """Remove the final activations of the chosen outputs of a split graph, to return logits.

    No other layer may read those outputs.
    """
    rewriter = Rewriter(graph)
    for name in {name for name, take in zip(graph.outputs, chosen, strict=True) if take}:
        rewriter.redirect(name, rewriter.nodes[name].inputs[0])
        rewriter.remove(name)
    return rewriter.graph()


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with other names for its inputs and nodes; others keep their names."""

    def name(old: str) -> str:
        return names.get(old, old)

    inputs = tuple(Input(name(input_.name), input_.shape) for input_ in graph.inputs)
    nodes = tuple(
        replace(node, name=name(node.name), inputs=tuple(map(name, node.inputs)))
        for node in graph.nodes
    )
    return Graph(graph.name, inputs, nodes, tuple(map(name, graph.outputs)))


def channels_first(graph: Graph) -> Graph:
    """Insert the transpositions that a backend with channels-first tensors needs.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [8, 8, 1]
    ... layers:
    ...   - MaxPooling2D
    ...   - Flatten
    ... ''').graph
    >>> print(listing(channels_first(graph)))
    input: (8, 8, 1)
    input.channels_first: (8, 8, 1) channels_first = Transpose(input) {to: channels_first}
    max_pooling2d: (4, 4, 1) channels_first = MaxPooling2D(input.channels_first)
    max_pooling2d.channels_last: (4, 4, 1) = Transpose(max_pooling2d) {to: channels_last}
    flatten: (16) = Flatten(max_pooling2d.channels_last)
    output: flatten

    Spatial layers read channels first. Flatten, Dense and the outputs read channels last. A layer
    that works on each value reads its input unchanged. A tensor is transposed once, where another
    layout is first needed, so no two transpositions cancel each other.
    """
    layouts = _Layouts(graph)
    for node in graph.nodes:
        layouts.place(node)
    for name in graph.outputs:
        layouts.place_output(name)
    return layouts.rewriter.graph()


class _Layouts:
    """The layout of every tensor of a graph, while transpositions are inserted."""

    def __init__(self, graph: Graph) -> None:
        self.rewriter = Rewriter(graph)
        self.layouts: dict[str, Layout] = {input_.name: "channels_last" for input_ in graph.inputs}
        self.shapes: dict[str, Shape] = {input_.name: input_.shape for input_ in graph.inputs}
        self.transposed: dict[tuple[str, Layout], str] = {}

    def place(self, node: Node) -> None:
        """Connect a node to its inputs in the layout that its layer needs."""
        needed = node.layer.input_layout(node.input_shapes)
        if needed == "either":
            layouts = {self.layouts[name] for name in node.inputs}
            needed = "channels_first" if "channels_first" in layouts else "channels_last"
        insert = partial(self.rewriter.insert_before, node.name)
        inputs = tuple(self._in_layout(name, needed, insert) for name in node.inputs)
        keeps = 1 < len(node.shape) == len(node.input_shape)  # a vector has one layout
        layout: Layout = needed if keeps else "channels_last"
        self.layouts[node.name] = layout
        self.shapes[node.name] = node.shape
        self.rewriter.replace(replace(node, inputs=inputs, layout=layout))

    def place_output(self, name: str) -> None:
        """Make an output channels last."""
        last = self._in_layout(name, "channels_last", self.rewriter.append)
        if last != name:
            self.rewriter.redirect_output(name, last)

    def _in_layout(self, name: str, layout: Layout, insert: Callable[[Node], None]) -> str:
        """The name of a tensor in a layout; `insert` inserts the transposition that it needs."""
        shape = self.shapes[name]
        if layout == self.layouts[name] or len(shape) == 1:
            return name
        if (name, layout) not in self.transposed:
            other = f"{name}.{layout}"
            insert(Node(other, Transpose(to=layout), (name,), (shape,), shape, layout))
            self.layouts[other], self.shapes[other] = layout, shape
            self.transposed[name, layout] = other
            self.transposed[other, self.layouts[name]] = name
        return self.transposed[name, layout]
