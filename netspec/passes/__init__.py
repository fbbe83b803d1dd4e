"""Graph to graph: what backends need and a spec does not say, and what makes a network faster.

Each pass returns a new graph that computes the same values. Those of `layout` are part of lowering
a graph. The optimizations below have names, and each of them can be switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from netspec.graph import Graph
from netspec.network import Network
from netspec.numerics.weights import Weights
from netspec.passes.extent import needed_extent
from netspec.passes.folding import fold_batch_normalization, fold_rescaling
from netspec.passes.layout import (
    channels_first,
    renamed,
    split_activations,
    unwrapped,
    without_final_activations,
)
from netspec.passes.pooling import activation_after_pooling
from netspec.passes.removal import common_subexpressions, drop_training_layers, fold_padding
from netspec.text.diagnostics import NetspecError, nearest, one_of

OPTIMIZATIONS: dict[str, Callable[[Graph], Graph]] = {
    "activation_after_pooling": activation_after_pooling,
    "needed_extent": needed_extent,
}
"""The passes that keep every value and every gradient, in their order: training and prediction."""

INFERENCE: dict[str, Callable[[Graph, Weights], tuple[Graph, Weights]]] = {
    "drop_training_layers": drop_training_layers,
    "common_subexpressions": common_subexpressions,
    "fold_batch_normalization": fold_batch_normalization,
    "fold_rescaling": fold_rescaling,
    "fold_padding": fold_padding,
}
"""The passes for prediction, in their order, which are in front of the others.

They keep the values as trained weights give them, but for rounding: every weight that is changed is
computed in float64 and rounded once.
"""

NAMES = (*INFERENCE, *OPTIMIZATIONS)
"""What can be switched on and off."""


def chosen(text: str) -> frozenset[str] | None:
    """The passes that `text` switches on: `all`, `none`, or names with commas between them.

    A name behind a minus is all passes but that one. None stands for all. Raises NetspecError.
    """
    if text in ("all", "none"):
        return None if text == "all" else frozenset()
    names = [name.strip() for name in text.split(",")]
    without = [name.removeprefix("-") for name in names if name.startswith("-")]
    named = [name for name in names if not name.startswith("-")]
    for name in (*named, *without):
        _check(name)
    return frozenset(named or NAMES) - set(without)


def _check(name: str) -> None:
    if name not in NAMES:
        meant = nearest(name, NAMES)
        names = one_of(["all", "none", *NAMES])
        help = f"did you mean {meant}?" if meant else f"write {names}"
        raise NetspecError(f"there is no pass named {name!r}", help)


def switched_on(network: Network) -> tuple[str, ...]:
    """The names of the passes that a network is compiled with, in their order."""
    return tuple(name for name in NAMES if network.passes is None or name in network.passes)


def optimized(network: Network) -> Graph:
    """The graph of a network behind the passes that are switched on for it: those for training."""
    return _optimized(network.graph, switched_on(network))


def for_inference(
    network: Network, weights: Weights, *, without: Collection[str] = ()
) -> tuple[Graph, Weights]:
    """The graph of a network for prediction alone, and the weights that it has then.

    The outputs keep their names and their values; other nodes may be gone. `without` names passes
    that do not pay for the backend.
    """
    graph = network.graph
    names = [name for name in switched_on(network) if name not in without]
    for name in names:
        if name in INFERENCE:
            graph, weights = INFERENCE[name](graph, weights)
    return _optimized(graph, names), weights


def _optimized(graph: Graph, names: Iterable[str]) -> Graph:
    for name in names:
        if name in OPTIMIZATIONS:
            graph = OPTIMIZATIONS[name](graph)
    return graph


__all__ = [
    "INFERENCE",
    "NAMES",
    "OPTIMIZATIONS",
    "channels_first",
    "chosen",
    "for_inference",
    "optimized",
    "renamed",
    "split_activations",
    "switched_on",
    "unwrapped",
    "without_final_activations",
]
