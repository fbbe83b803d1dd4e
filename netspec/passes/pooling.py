"""Activations behind pooling, where there are fewer values."""

from __future__ import annotations

from dataclasses import replace

from netspec.graph import Graph, Node, activation
from netspec.graph.rewrite import Rewriter
from netspec.language.layers import Activation
from netspec.language.layers.activations import NEVER_FALLING
from netspec.language.layers.core import ELU, LeakyReLU, ReLU
from netspec.language.layers.pooling import GlobalMaxPooling, MaxPooling


def activation_after_pooling(graph: Graph) -> Graph:
    """Move activations that never fall from before a max pooling to behind it.

    max f(x) = f(max x) for such an f, and so are the gradients: the largest x has the largest f(x),
    and where several f(x) are largest that differ in x, f is flat and its gradient 0. A pooling of
    2x2 leaves a quarter of the values to activate.
    """
    rewriter = Rewriter(graph)
    for pooling in map(rewriter.current, graph.nodes):
        before = rewriter.nodes.get(pooling.inputs[0])
        if before is None or not rewriter.has_one_reader(before.name):
            continue
        if isinstance(pooling.layer, MaxPooling | GlobalMaxPooling) and not rewriter.is_output(
            name
        ):
            _move_activation(rewriter, before, pooling)
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
