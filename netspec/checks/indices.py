"""The inputs of a network that are indices: an Embedding reads them, maybe through other layers."""

from __future__ import annotations

from netspec.graph.nodes import Graph, Node
from netspec.language.layers import Layer
from netspec.text.codes import Code
from netspec.text.source import Fault


def index_count(layer: Layer) -> int | None:
    """The number of indices of an Embedding; None for other layers."""
    return getattr(layer, "input_dim", None) if layer.tag == "Embedding" else None


def embeddings(graph: Graph) -> tuple[Node, ...]:
    """The nodes that look up indices."""
    return tuple(node for node in graph.nodes if index_count(node.layer) is not None)


def index_nodes(graph: Graph) -> tuple[Node, ...]:
    """The nodes between the inputs and the Embeddings, in their order."""
    read = _read_by_embeddings(graph)
    return tuple(node for node in graph.nodes if node.name in read)


def index_inputs(graph: Graph) -> frozenset[str]:
    """The names of the inputs that Embeddings read, directly or through other layers."""
    return _read_by_embeddings(graph) & {input_.name for input_ in graph.inputs}


def _read_by_embeddings(graph: Graph) -> frozenset[str]:
    read = {name for node in embeddings(graph) for name in node.inputs}
    for node in reversed(graph.nodes if read else ()):
        if node.name in read:
            read.update(node.inputs)
    return frozenset(read)


def index_faults(graph: Graph) -> list[Fault]:
    """The faults of Embeddings that read computed values, such as the output of a Dense."""
    computes: dict[str, Node] = {}
    faults: list[Fault] = []
    for index, node in enumerate(graph.nodes):
        computing = next((computes[name] for name in node.inputs if name in computes), None)
        if computing and index_count(node.layer) is not None:
            message = f"{node.name} looks up indices, and reads what {computing.name} computes"
            help = (
                "an Embedding reads whole numbers of an input, directly or through layers that "
                "move them, such as Reshape or Concatenate"
            )
            place = ("layers", graph.nodes.index(computing), computing.layer.tag)
            related = (f"{computing.layer.tag} computes other values", place)
            location = ("layers", index, node.layer.tag)
            faults.append(Fault(location, Code.INDICES, message, help, key=True, related=related))
        if computing or not _keeps_whole(node.layer):
            computes[node.name] = computing or node
    return faults


def _keeps_whole(layer: Layer) -> bool:
    if layer.tag == "TimeDistributed":
        layer = getattr(layer, "layer", layer)
    return layer.keeps_whole and getattr(layer, "interpolation", "nearest") == "nearest"
