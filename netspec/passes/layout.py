"""What backends need: activations as nodes, the channels in front, the last activations off."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from netspec.graph import Graph, Input, Node, activation
from netspec.language.layers import Activation, Dense, Layout, Shape, Transpose
from netspec.language.layers.wrapping import FoldSteps, TimeDistributed, UnfoldSteps


def split_activations(graph: Graph) -> Graph:
    """Make every activation that a layer ends in a node of its own.

    Afterwards no layer but Activation ends in an activation other than linear. The new node is
    named `<layer>.activation`; the dot keeps it apart from every name that a spec can hold.
    """
    nodes: list[Node] = []
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        inputs = tuple(renamed.get(name, name) for name in node.inputs)
        name = activation(node.layer)
        if isinstance(node.layer, Activation) or name == "linear":
            nodes.append(replace(node, inputs=inputs))
            continue
        bare = node.layer.model_copy(update={"activation": "linear"})
        nodes.append(replace(node, layer=bare, inputs=inputs))
        renamed[node.name] = f"{node.name}.activation"
        layer = Activation(activation=name)
        nodes.append(Node(renamed[node.name], layer, (node.name,), (node.shape,), node.shape))
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def unwrapped(graph: Graph) -> Graph:
    """Put what TimeDistributed holds in its place, between layers that fold and unfold the steps.

    What works along the last axis takes sequences as they are. The layer keeps the name, and with
    it the keys of its weights; what it gives is unfolded under the name `<layer>.steps`.
    """
    nodes: list[Node] = []
    renamed: dict[str, str] = {}
    for node in graph.nodes:
        inputs = tuple(renamed.get(name, name) for name in node.inputs)
        if not isinstance(node.layer, TimeDistributed):
            nodes.append(replace(node, inputs=inputs))
            continue
        inner = node.layer.layer.model_copy(update={"trainable": node.layer.trainable})
        if isinstance(inner, Dense | Activation):
            nodes.append(replace(node, layer=inner, inputs=inputs))
            continue
        example, steps = f"{node.name}.example", f"{node.name}.steps"
        before, after = (node.input_shape[1:],), node.shape[1:]
        nodes += [
            Node(example, FoldSteps(), inputs, node.input_shapes, before[0]),
            replace(node, layer=inner, inputs=(example,), input_shapes=before, shape=after),
            Node(
                steps,
                UnfoldSteps(),
                (node.name, *inputs),
                (after, *node.input_shapes),
                node.shape,
            ),
        ]
        renamed[node.name] = steps
    outputs = tuple(renamed.get(name, name) for name in graph.outputs)
    return replace(graph, nodes=tuple(nodes), outputs=outputs)


def without_final_activations(graph: Graph, chosen: Sequence[bool]) -> Graph:
    """Take off the activations that the chosen outputs of a split graph end in, to give logits.

    No other layer may read those outputs.
    """
    ends = {node.name: node for node in graph.output_nodes}
    taken = {name for name, take in zip(graph.outputs, chosen, strict=True) if take}
    nodes = tuple(node for node in graph.nodes if node.name not in taken)
    outputs = tuple(ends[name].inputs[0] if name in taken else name for name in graph.outputs)
    return replace(graph, nodes=nodes, outputs=outputs)


def renamed(graph: Graph, names: Mapping[str, str]) -> Graph:
    """The graph with other names for its inputs and nodes; those not in `names` keep theirs."""

    def name(old: str) -> str:
        return names.get(old, old)

    inputs = tuple(Input(name(each.name), each.shape) for each in graph.inputs)
    nodes = tuple(
        replace(node, name=name(node.name), inputs=tuple(map(name, node.inputs)))
        for node in graph.nodes
    )
    return Graph(graph.name, inputs, nodes, tuple(map(name, graph.outputs)))


def channels_first(graph: Graph) -> Graph:
    """Insert the transpositions that a backend with channels-first tensors needs.

    Spatial layers get channels first; Flatten, Dense and the outputs get channels last; what works
    on each value by itself takes its input as it lies. A tensor is transposed once, where it is
    first needed otherwise, so pairs that would undo each other never arise.
    """
    moved = _Moved(graph)
    for node in graph.nodes:
        moved.add(node)
    outputs = tuple(moved.held(name, "channels_last") for name in graph.outputs)
    return replace(graph, nodes=tuple(moved.nodes), outputs=outputs)


class _Moved:
    """The nodes of a graph with transpositions between them, while they are gathered."""

    def __init__(self, graph: Graph) -> None:
        self.nodes: list[Node] = []
        self.layouts: dict[str, Layout] = {each.name: "channels_last" for each in graph.inputs}
        self.shapes: dict[str, Shape] = {each.name: each.shape for each in graph.inputs}
        self.transposed: dict[tuple[str, Layout], str] = {}

    def add(self, node: Node) -> None:
        wanted = node.layer.input_layout(node.input_shapes)
        if wanted == "either":
            found = {self.layouts[name] for name in node.inputs}
            wanted = "channels_first" if "channels_first" in found else "channels_last"
        inputs = tuple(self.held(name, wanted) for name in node.inputs)
        keeps = 1 < len(node.shape) == len(node.input_shape)  # a vector lies in one way only
        layout: Layout = wanted if keeps else "channels_last"
        self.layouts[node.name] = layout
        self.shapes[node.name] = node.shape
        self.nodes.append(replace(node, inputs=inputs, layout=layout))

    def held(self, name: str, wanted: Layout) -> str:
        """The name under which the tensor `name` lies as wanted."""
        shape = self.shapes[name]
        if wanted == self.layouts[name] or len(shape) == 1:
            return name
        if (name, wanted) not in self.transposed:
            other = f"{name}.{wanted}"
            layer = Transpose(to=wanted)
            self.nodes.append(Node(other, layer, (name,), (shape,), shape, wanted))
            self.layouts[other], self.shapes[other] = wanted, shape
            self.transposed[name, wanted] = other
            self.transposed[other, self.layouts[name]] = name
        return self.transposed[name, wanted]
