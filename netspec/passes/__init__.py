"""Graph to graph: changes that backends need, and optimizations.

Each pass returns a new graph that computes the same values. A backend declares its passes as a
tuple. Optional passes can be switched off by name.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from netspec.graph import Graph
from netspec.graph.listing import listing
from netspec.network import Network
from netspec.numerics.weights import Weights
from netspec.passes.base import Pass, Stage, graph_pass, run_passes, stages, weights_pass
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

NEEDED_EXTENT = graph_pass(needed_extent, optional=True)

OPTIMIZATIONS = (graph_pass(activation_after_pooling, optional=True), NEEDED_EXTENT)
"""The passes that keep every value and every gradient, in their order: training and prediction."""

INFERENCE = tuple(
    map(
        weights_pass,
        (
            drop_training_layers,
            common_subexpressions,
            fold_batch_normalization,
            fold_rescaling,
            fold_padding,
        ),
    )
)
"""The passes for prediction, in their order, which come before the others.

They keep the predictions of trained weights, except for rounding: a changed weight is computed in
float64 and rounded once.
"""

SPLIT_ACTIVATIONS = graph_pass(split_activations)
UNWRAPPED = graph_pass(unwrapped)
CHANNELS_FIRST = graph_pass(channels_first)

LAYOUT = (UNWRAPPED, SPLIT_ACTIVATIONS, CHANNELS_FIRST)
"""The passes of a backend whose spatial layers take channels first."""


def _logits(graph: Graph, weights: Weights, network: Network) -> tuple[Graph, Weights]:
    chosen = [*map(bool, network.taken_off)]
    return without_final_activations(graph, chosen), weights


LOGITS = Pass("without_final_activations", _logits)
"""Removes final activations from a split graph, for a loss on logits."""

NAMES = tuple(pass_.name for pass_ in (*INFERENCE, *OPTIMIZATIONS))
"""The passes that can be switched on and off."""


def chosen(text: str) -> frozenset[str] | None:
    """The passes that `text` switches on: `all`, `none`, or names with commas between them.

    A name after a minus means all passes except this one. None means all. Raises NetspecError.
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
    return tuple(filter(network.uses, NAMES))


def for_inference(network: Network, weights: Weights) -> tuple[Graph, Weights]:
    """The graph of a network after the passes for prediction, and its weights.

    The outputs keep their names and their values; other nodes may be removed.
    """
    return run_passes((*INFERENCE, *OPTIMIZATIONS), network, weights)


def describe(passes: Iterable[Pass], network: Network, weights: Weights) -> Iterator[str]:
    """The graph of a network as text, and after each pass that changes it."""
    yield f"# the spec\n{listing(network.graph)}\n"
    for stage in stages(passes, network, weights):
        if stage.graph == stage.before:
            yield f"# {stage.name}: no change\n"
        else:
            yield f"# {stage.name}\n{listing(stage.graph)}\n"


__all__ = [
    "CHANNELS_FIRST",
    "INFERENCE",
    "LAYOUT",
    "LOGITS",
    "NAMES",
    "NEEDED_EXTENT",
    "OPTIMIZATIONS",
    "SPLIT_ACTIVATIONS",
    "UNWRAPPED",
    "Pass",
    "Stage",
    "chosen",
    "describe",
    "for_inference",
    "renamed",
    "run_passes",
    "stages",
    "switched_on",
]
