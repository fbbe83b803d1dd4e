"""Removes what prediction need not compute: layers of training, duplicates, repeated padding."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace

from netspec.graph import Graph, Node, meaning
from netspec.graph.rewrite import Rewriter
from netspec.language.layers.augmentation import Augmentation
from netspec.language.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
)
from netspec.language.layers.shaping import ZeroPadding, ZeroPadding1D, ZeroPadding2D, ZeroPadding3D
from netspec.numerics.weights import Weights

ONLY_IN_TRAINING = (Dropout, SpatialDropout, GaussianNoise, GaussianDropout, Augmentation)
"""The layers that return their input, except in training."""


def drop_training_layers(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Remove the layers that only act in training; outputs stay.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> from netspec.numerics.initial import initial
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [3]
    ... layers:
    ...   - Dropout: {rate: 0.5}
    ...   - Dense: {units: 2}
    ... ''').graph
    >>> print(listing(drop_training_layers(graph, initial(graph, seed=0))[0]))
    input: (3)
    dense: (2) = Dense(input) {units: 2}
    output: dense
    """
    rewriter = Rewriter(graph)
    for node in map(rewriter.current, graph.nodes):
        if isinstance(node.layer, ONLY_IN_TRAINING) and not rewriter.is_output(node.name):
            rewriter.redirect(node.name, node.inputs[0])
            rewriter.remove(node.name)
    return rewriter.graph(), weights


def common_subexpressions(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Compute once what several nodes compute: the same layer, inputs and values of weights.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> from netspec.numerics.initial import initial
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [3]
    ... layers:
    ...   - ReLU: {name: left}
    ...   - ReLU: {name: right, inputs: input}
    ...   - Add: {inputs: [left, right]}
    ... ''').graph
    >>> print(listing(common_subexpressions(graph, initial(graph, seed=0))[0]))
    input: (3)
    left: (3) = ReLU(input)
    add: (3) = Add(left, left)
    output: add

    At prediction no layer draws random numbers.
    """
    rewriter = Rewriter(graph)
    earlier = defaultdict[str, list[Node]](list)
    for node in map(rewriter.current, graph.nodes):
        layer = json.dumps([node.layer.tag, node.inputs, meaning(node.layer)], sort_keys=True)
        same = (other for other in earlier[layer] if _have_equal_weights(node, other, weights))
        twin = next(same, None)
        if twin is None:
            earlier[layer].append(node)
        elif not rewriter.is_output(node.name):
            rewriter.redirect(node.name, twin.name)
            rewriter.remove(node.name)
    merged = rewriter.graph()
    return merged, {key: weights[key] for key, _ in merged.weights()}


def _have_equal_weights(node: Node, other: Node, weights: Weights) -> bool:
    """Whether all weights of two nodes of equal layers have the same bits."""
    return all(
        weights[f"{node.name}.{weight.name}"].tobytes()
        == weights[f"{other.name}.{weight.name}"].tobytes()
        for weight in node.weights
    )


def fold_padding(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Add the zeros of ZeroPadding layers that follow each other in one step.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> from netspec.numerics.initial import initial
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [4, 1]
    ... layers:
    ...   - ZeroPadding1D: {padding: 1}
    ...   - ZeroPadding1D: {padding: [0, 2]}
    ... ''').graph
    >>> print(listing(fold_padding(graph, initial(graph, seed=0))[0]))
    input: (4, 1)
    zero_padding1d_1: (8, 1) = ZeroPadding1D(input) {padding: [1, 3]}
    output: zero_padding1d_1
    """
    rewriter = Rewriter(graph)
    for node in map(rewriter.current, graph.nodes):
        former = rewriter.nodes.get(node.inputs[0])
        if former is None or not rewriter.has_one_reader(former.name):
            continue
        if isinstance(former.layer, ZeroPadding) and isinstance(node.layer, ZeroPadding):
            layer, shapes = _both(former.layer, node.layer), former.input_shapes
            rewriter.replace(replace(node, layer=layer, inputs=former.inputs, input_shapes=shapes))
            rewriter.remove(former.name)
    return rewriter.graph(), weights


def _both(inner: ZeroPadding, outer: ZeroPadding) -> ZeroPadding1D | ZeroPadding2D | ZeroPadding3D:
    """The layer that adds the zeros of two layers."""
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
