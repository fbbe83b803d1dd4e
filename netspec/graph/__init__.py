"""A spec becomes a frozen graph: nodes in topological order, every shape inferred."""

from netspec.graph.inference import infer
from netspec.graph.network import Network, build, load, loads, overridden
from netspec.graph.nodes import Graph, Input, Node, activation, meaning
from netspec.spec import INPUT

__all__ = [
    "INPUT",
    "Graph",
    "Input",
    "Network",
    "Node",
    "activation",
    "build",
    "infer",
    "load",
    "loads",
    "meaning",
    "overridden",
]
