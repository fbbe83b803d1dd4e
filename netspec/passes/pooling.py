"""Activations after pooling, where there are fewer values."""

from __future__ import annotations

from dataclasses import replace

from netspec.graph import Graph, Node, activation
from netspec.graph.rewrite import Rewriter
from netspec.language.layers import Activation
from netspec.language.layers.activations import NEVER_FALLING
from netspec.language.layers.core import ELU, LeakyReLU, ReLU
from netspec.language.layers.pooling import GlobalMaxPooling, MaxPooling


def activation_after_pooling(graph: Graph) -> Graph:
    """Move monotonically increasing activations from before a max pooling to after it.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [8, 8, 1]
    ... layers:
    ...   - Conv2D: {filters: 2, kernel_size: 3, activation: relu}
    ...   - MaxPooling2D
    ...   - Flatten
    ... ''').graph
    >>> print(listing(activation_after_pooling(graph)))
    input: (8, 8, 1)
    conv2d: (6, 6, 2) = Conv2D(input) {filters: 2, kernel_size: [3, 3]}
    max_pooling2d: (3, 3, 2) = MaxPooling2D(conv2d)
    conv2d.activation: (3, 3, 2) = Activation(max_pooling2d) {activation: relu}
    flatten: (18) = Flatten(conv2d.activation)
    output: flatten

    For such an f, max f(x) = f(max x), and the gradients are equal: the largest x has the largest
    f(x). Where several x have the largest f(x), f is constant between them and its gradient is 0.
    After a pooling of 2x2 a quarter of the values remains to activate.
    """
    rewriter = Rewriter(graph)
    for node in map(rewriter.current, graph.nodes):
        before = rewriter.nodes.get(node.inputs[0])
        if before is None or not rewriter.has_one_reader(before.name):
            continue
        is_pooling = isinstance(node.layer, MaxPooling | GlobalMaxPooling)
        if is_pooling and not rewriter.is_output(node.name):
            _move_activation(rewriter, before, node)
    return rewriter.graph()


def _move_activation(rewriter: Rewriter, before: Node, pooling: Node) -> None:
    """Move the activation that a node is, or ends in, to after the pooling that reads it."""
    if _never_falls(before):
        rewriter.replace(replace(pooling, inputs=before.inputs))
        rewriter.remove(before.name)
        name, layer = before.name, before.layer
    elif before.layer.ends_in_activation and activation(before.layer) in NEVER_FALLING:
        bare = before.layer.model_copy(update={"activation": "linear"})
        rewriter.replace(replace(before, layer=bare))
        name = f"{before.name}.activation"
        layer = Activation(activation=activation(before.layer))
    else:
        return
    rewriter.insert_after(
        pooling.name, Node(name, layer, (pooling.name,), (pooling.shape,), pooling.shape)
    )
    rewriter.redirect(pooling.name, name)


def _never_falls(node: Node) -> bool:
    """Whether a node is a monotonically increasing function of every value."""
    match node.layer:
        case Activation(activation=name):
            return name in NEVER_FALLING
        case ELU(alpha=alpha):
            return alpha >= 0
        case ReLU() | LeakyReLU():  # whose slopes are never negative
            return True
        case _:
            return False
