"""A graph of layers: nodes in topological order, every shape inferred."""

from netspec.graph.inference import infer
from netspec.graph.nodes import Graph, Input, Node, activation, meaning

__all__ = ["Graph", "Input", "Node", "activation", "infer", "meaning"]
