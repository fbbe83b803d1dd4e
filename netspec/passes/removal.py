"""What prediction does not need to compute: layers of training, the same twice, zeros twice."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256

from netspec.graph import Graph, Node, meaning
from netspec.language.layers.augmentation import Augmentation
from netspec.language.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
)
from netspec.language.layers.shaping import ZeroPadding, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from netspec.numerics.weights import Weights

TRAINING_ALONE = (Dropout, SpatialDropout, GaussianNoise, GaussianDropout, Augmentation)
"""The layers that give what they get, but in training."""


def drop_training_layers(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Leave out the layers that act in training alone; one that is an output keeps its name."""
    outputs = frozenset(graph.outputs)
    same: dict[str, str] = {}
    for node in graph.nodes:
        if isinstance(node.layer, TRAINING_ALONE) and node.name not in outputs:
            same[node.name] = same.get(node.inputs[0], node.inputs[0])
    return _without(graph, same), weights


def common_subexpressions(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Compute once what several nodes compute: the same layer, inputs and values of weights.

    At prediction no layer draws random numbers.
    """
    outputs = frozenset(graph.outputs)
    same: dict[str, str] = {}
    first: dict[tuple[str, bytes], str] = {}
    for node in graph.nodes:
        inputs = [same.get(name, name) for name in node.inputs]
        layer = json.dumps([node.layer.tag, inputs, meaning(node.layer)], sort_keys=True)
        twin = first.setdefault((layer, _digest(node, weights)), node.name)
        if twin != node.name and node.name not in outputs:
            same[node.name] = twin
    merged = _without(graph, same)
    return merged, {key: weights[key] for key, _ in merged.weights()}


def _digest(node: Node, weights: Weights) -> bytes:
    """SHA-256 of the values of a node's weights."""
    digest = sha256()
    for weight in node.weights:
        digest.update(weights[f"{node.name}.{weight.name}"].tobytes())
    return digest.digest()


def fold_padding(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Put the zeros of ZeroPadding layers that follow each other around the values in one step."""
    outputs = frozenset(graph.outputs)
    readers = Counter(name for node in graph.nodes for name in node.inputs)
    nodes: dict[str, Node] = {}
    for node in graph.nodes:
        former = nodes.get(node.inputs[0])
        nodes[node.name] = node
        if former is None or readers[former.name] > 1 or former.name in outputs:
            continue
        if isinstance(former.layer, ZeroPadding) and isinstance(node.layer, ZeroPadding):
            layer = _both(former.layer, node.layer)
            nodes[node.name] = replace(
                node, layer=layer, inputs=former.inputs, input_shapes=former.input_shapes
            )
            del nodes[former.name]
    return replace(graph, nodes=tuple(nodes.values())), weights


def _both(inner: ZeroPadding, outer: ZeroPadding) -> ZeroPadding1D | ZeroPadding2D | ZeroPadding3D:
    """The layer that adds the zeros of one and then those of another."""
    pairs = zip(inner.sides, outer.sides, strict=True)
    match [(before + first, after + last) for (before, after), (first, last) in pairs]:
        case [along]:
            return ZeroPadding1D(padding=along)
        case [down, across]:
            return ZeroPadding2D(padding=(down, across))
        case [deep, down, across]:
            return ZeroPadding3D(padding=(deep, down, across))
        case sides:
            raise ValueError(sides)


def _without(graph: Graph, same: Mapping[str, str]) -> Graph:
    """The graph without the nodes in `same`; instead of each, one that stays is read."""
    nodes = tuple(
        replace(node, inputs=tuple(same.get(name, name) for name in node.inputs))
        for node in graph.nodes
        if node.name not in same
    )
    return replace(graph, nodes=nodes)
