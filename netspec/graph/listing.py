"""A graph as text: a line for each node, with its shape, its layer and its inputs."""

from __future__ import annotations

from netspec.graph.nodes import Graph, Node
from netspec.language.layers import written
from netspec.text.writer import flow


def listing(graph: Graph) -> str:
    """The inputs, the nodes in their order, and the outputs.

    >>> from netspec.graph import infer
    >>> from netspec.language.layers import Dense
    >>> graph, _ = infer("example", (3,), [Dense(units=2, activation="relu")])
    >>> print(listing(graph))
    input: (3)
    dense: (2) = Dense(input) {units: 2, activation: relu}
    output: dense
    """
    inputs = [f"{input_.name}: {written(input_.shape)}" for input_ in graph.inputs]
    outputs = f"output: {', '.join(graph.outputs)}"
    return "\n".join([*inputs, *map(_line, graph.nodes), outputs])


def _line(node: Node) -> str:
    exclude = {"name", "inputs"}
    fields = node.layer.model_dump(mode="json", exclude=exclude, exclude_defaults=True)
    layout = "" if node.layout == "channels_last" else f" {node.layout}"
    call = f"{node.layer.tag}({', '.join(node.inputs)})"
    parts = [
        f"{node.name}: {written(node.shape)}{layout} =",
        call,
        *([flow(fields)] if fields else []),
    ]
    return " ".join(parts)
