"""Activations behind pooling, where there are fewer values."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from netspec.graph import Graph, Node, activation
from netspec.language.layers import Activation, Layer
from netspec.language.layers.activations import NEVER_FALLING
from netspec.language.layers.core import ELU, LeakyReLU, ReLU
from netspec.language.layers.pooling import GlobalMaxPooling, MaxPooling


def activation_after_pooling(graph: Graph) -> Graph:
    """Move activations that never fall from before a max pooling to behind it.

    max f(x) = f(max x) for such an f, and so are the gradients: the largest x has the largest f(x),
    and where several f(x) are largest that differ in x, f is flat and its gradient 0. A pooling of
    2x2 leaves a quarter of the values to activate.
    """
    moved = _Moved(graph)
    for node in graph.nodes:
        moved.add(node)
    return replace(graph, nodes=tuple(moved.nodes.values()))


class _Moved:
    """The nodes of a graph, some activations behind where they were, while they are gathered."""

    def __init__(self, graph: Graph) -> None:
        self.outputs = frozenset(graph.outputs)
        self.readers = Counter(name for node in graph.nodes for name in node.inputs)
        self.nodes: dict[str, Node] = {}
        self.renamed: dict[str, str] = {}

    def add(self, node: Node) -> None:
        node = replace(node, inputs=tuple(self.renamed.get(name, name) for name in node.inputs))
        before = self.nodes.get(node.inputs[0])
        if before is None or not self._is_free(before) or not self._pools(node):
            self.nodes[node.name] = node
        elif _never_falls(before):
            del self.nodes[before.name]
            self._add(replace(node, inputs=before.inputs), before.name, before.layer)
        elif before.layer.ends_in_activation and activation(before.layer) in NEVER_FALLING:
            bare = before.layer.model_copy(update={"activation": "linear"})
            self.nodes[before.name] = replace(before, layer=bare)
            moved = Activation(activation=activation(before.layer))
            self._add(node, f"{before.name}.activation", moved)
        else:
            self.nodes[node.name] = node

    def _is_free(self, node: Node) -> bool:
        """Whether one node alone reads it."""
        return self.readers[node.name] == 1 and node.name not in self.outputs

    def _pools(self, node: Node) -> bool:
        return (
            isinstance(node.layer, MaxPooling | GlobalMaxPooling) and node.name not in self.outputs
        )

    def _add(self, pooling: Node, name: str, layer: Layer) -> None:
        """A pooling, and behind it the activation that stood before."""
        shape = pooling.shape
        self.nodes[pooling.name] = pooling
        self.nodes[name] = Node(name, layer, (pooling.name,), (shape,), shape)
        self.renamed[pooling.name] = name
        self.readers[name] = self.readers[pooling.name]


def _never_falls(node: Node) -> bool:
    """Whether a node is such a function of every value by itself."""
    match node.layer:
        case Activation(activation=name):
            return name in NEVER_FALLING
        case ELU(alpha=alpha):
            return alpha >= 0
        case ReLU() | LeakyReLU():  # whose slopes are never negative
            return True
        case _:
            return False
