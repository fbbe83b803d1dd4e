"""Changes a graph: nodes are replaced, inserted and removed, and their readers are updated."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from itertools import count

from netspec.graph.nodes import Graph, Node


class Rewriter:
    """A graph that is being changed.

    `nodes` has the nodes by name. The result has the order of the graph, with every inserted node
    at its place.

    >>> from netspec.graph import infer
    >>> from netspec.language.layers import Activation, Dense
    >>> graph, _ = infer("example", (3,), [Dense(units=2)])
    >>> rewriter = Rewriter(graph)
    >>> relu = Node("relu", Activation(activation="relu"), ("dense",), ((2,),), (2,))
    >>> rewriter.insert_after("dense", relu)
    >>> rewriter.redirect("dense", "relu")
    >>> rewriter.graph().outputs
    ('relu',)
    """

    def __init__(self, graph: Graph) -> None:
        self._before = graph
        self._outputs = list(graph.outputs)
        self._positions: dict[str, tuple[int, int]] = {}
        self._numbers = count(1)
        self._readers: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self.nodes: dict[str, Node] = {}
        for position, node in enumerate(graph.nodes):
            self._positions[node.name] = position, 0
            self._place(node)

    def graph(self) -> Graph:
        """The graph as it is now."""
        nodes = sorted(self.nodes.values(), key=lambda node: self._positions[node.name])
        return replace(self._before, nodes=tuple(nodes), outputs=tuple(self._outputs))

    def current(self, node: Node) -> Node:
        """A node of the graph as it is now."""
        return self.nodes[node.name]

    def readers(self, name: str) -> tuple[Node, ...]:
        """The nodes that read a tensor."""
        return tuple(self.nodes[reader] for reader in self._readers[name])

    def is_output(self, name: str) -> bool:
        """Whether a tensor is an output of the graph."""
        return name in self._outputs

    def has_one_reader(self, name: str) -> bool:
        """Whether exactly one node reads a tensor, and it is no output."""
        return len(self._readers[name]) == 1 and not self.is_output(name)

    def replace(self, node: Node) -> None:
        """Replace the node of the same name."""
        self._forget(self.nodes[node.name])
        self._place(node)

    def insert_before(self, name: str, node: Node) -> None:
        """Insert a new node at the place before another."""
        self._positions[node.name] = self._positions[name][0] - 1, next(self._numbers)
        self._place(node)

    def insert_after(self, name: str, node: Node) -> None:
        """Insert a new node at the place after another."""
        self._positions[node.name] = self._positions[name][0], next(self._numbers)
        self._place(node)

    def append(self, node: Node) -> None:
        """Insert a new node at the end."""
        self._positions[node.name] = len(self._before.nodes), next(self._numbers)
        self._place(node)

    def remove(self, name: str) -> None:
        """Remove a node."""
        self._forget(self.nodes.pop(name))

    def redirect(self, name: str, to: str) -> None:
        """Let all readers of a tensor, outputs and nodes except `to`, read another tensor."""
        for reader in self.readers(name):
            if reader.name != to:
                inputs = tuple(
                    to if input_name == name else input_name for input_name in reader.inputs
                )
                self.replace(replace(reader, inputs=inputs))
        self.redirect_output(name, to)

    def redirect_output(self, name: str, to: str) -> None:
        """Replace a tensor by another one in the outputs; the readers of the tensor stay."""
        self._outputs = [to if output == name else output for output in self._outputs]

    def _place(self, node: Node) -> None:
        self.nodes[node.name] = node
        for name in node.inputs:
            self._readers[name][node.name] = None

    def _forget(self, node: Node) -> None:
        for name in set(node.inputs):
            del self._readers[name][node.name]
