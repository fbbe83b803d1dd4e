"""Checks that a graph is valid: names, edges, shapes and outputs.

A pass that returns an invalid graph has a bug; no spec can be the cause.
"""

from __future__ import annotations

from netspec.graph.nodes import Graph, Node
from netspec.language.layers import LayerFault, Shape, written


class GraphError(Exception):
    """A graph that no pass may return."""


def verify(graph: Graph) -> None:
    """Check a graph. Raises GraphError with the first invalid node.

    >>> from dataclasses import replace
    >>> from netspec.graph import infer
    >>> from netspec.language.layers import Dense
    >>> graph, _ = infer("example", (3,), [Dense(units=2)])
    >>> verify(graph)
    >>> verify(replace(graph, outputs=("other",)))
    Traceback (most recent call last):
        ...
    netspec.graph.verify.GraphError: the output other is no node
    """
    shapes: dict[str, Shape] = {}
    for input_ in graph.inputs:
        _check_new(input_.name, shapes)
        shapes[input_.name] = input_.shape
    inputs = set(shapes)
    for node in graph.nodes:
        _check_new(node.name, shapes)
        _check_node(node, shapes)
        shapes[node.name] = node.shape
    for name in graph.outputs:
        if name not in shapes or name in inputs:
            raise GraphError(f"the output {name} is no node")


def _check_new(name: str, shapes: dict[str, Shape]) -> None:
    if name in shapes:
        raise GraphError(f"two nodes are named {name}")


def _check_node(node: Node, shapes: dict[str, Shape]) -> None:
    for name, shape in zip(node.inputs, node.input_shapes, strict=True):
        if name not in shapes:
            raise GraphError(f"{node.name} reads {name}, which no node before it computes")
        if shapes[name] != shape:
            expected, actual = written(shape), written(shapes[name])
            raise GraphError(f"{node.name} reads {name} as {expected}, which is {actual}")
    try:
        shape = node.layer.infer_shape(node.input_shapes)
    except LayerFault as fault:
        raise GraphError(f"{node.name}: {fault.message}") from fault
    if shape != node.shape:
        actual, expected = written(node.shape), written(shape)
        raise GraphError(f"{node.name} has the shape {actual}, and its layer computes {expected}")
