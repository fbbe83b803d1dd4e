"""Graph to graph: what backends need and a spec does not say.

Each pass returns a new graph that computes the same values.
"""

from __future__ import annotations

from dataclasses import replace

from netspec.graph import INPUT, Graph, Node, activation
from netspec.layers import Activation, Layout, Transpose


def split_activations(graph: Graph) -> Graph:
    """Make every activation that a layer ends in a node of its own.

    Afterwards no layer but Activation has an activation other than linear. The new node is named
    `<layer>.activation`; the dot keeps it apart from every name that a spec can hold.
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
        nodes.append(Node(renamed[node.name], layer, (node.name,), node.shape, node.shape))
    return replace(graph, nodes=tuple(nodes))


def without_final_softmax(graph: Graph) -> Graph:
    """Take off the softmax that a split graph ends in, so that it gives logits.

    A graph that ends otherwise stays as it is.
    """
    last = graph.output.layer
    if len(graph.nodes) > 1 and isinstance(last, Activation) and last.activation == "softmax":
        return replace(graph, nodes=graph.nodes[:-1])
    return graph


def channels_first(graph: Graph) -> Graph:
    """Insert the transpositions that a backend with channels-first images needs.

    Spatial layers get channels first; Flatten, Dense and the output get channels last; what works
    on each value by itself takes its input as it lies. A tensor is transposed once, where it is
    first needed otherwise, so pairs that would undo each other never arise.
    """
    layouts: dict[str, Layout] = {INPUT: "channels_last"}
    transposed: dict[tuple[str, Layout], str] = {}
    nodes: list[Node] = []

    def held(name: str, wanted: Layout, node: Node) -> str:
        """The name under which the tensor `name` lies as wanted."""
        if wanted in ("either", layouts[name]):
            return name
        if (name, wanted) not in transposed:
            other = f"{name}.{wanted}"
            shape = node.input_shape
            nodes.append(Node(other, Transpose(to=wanted), (name,), shape, shape, wanted))
            layouts[other] = wanted
            transposed[name, wanted] = other
            transposed[other, layouts[name]] = name
        return transposed[name, wanted]

    for node in graph.nodes:
        wanted = node.layer.layout(node.input_shape)
        inputs = tuple(held(name, wanted, node) for name in node.inputs)
        image = len(node.shape) == 3
        layout: Layout = layouts[inputs[0]] if image else "channels_last"
        layouts[node.name] = layout
        nodes.append(replace(node, inputs=inputs, layout=layout))
    last = nodes[-1]
    if last.layout == "channels_first":
        to = Transpose(to="channels_last")
        nodes.append(Node(f"{last.name}.channels_last", to, (last.name,), last.shape, last.shape))
    return replace(graph, nodes=tuple(nodes))
