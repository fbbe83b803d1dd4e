"""Graph to graph: what backends need and a spec does not say, and what makes a network faster.

Each pass returns a new graph that computes the same values. Those of `layout` are part of lowering
a graph. The optimizations below have names, and each of them can be switched off.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from netspec.diagnostics import NetspecError, nearest, one_of
from netspec.graph import Graph, Network
from netspec.passes.extent import needed_extent
from netspec.passes.layout import (
    channels_first,
    renamed,
    split_activations,
    unwrapped,
    without_final_activations,
)
from netspec.passes.pooling import activation_after_pooling

OPTIMIZATIONS: dict[str, Callable[[Graph], Graph]] = {
    "activation_after_pooling": activation_after_pooling,
    "needed_extent": needed_extent,
}
"""The passes that keep every value and every gradient, in their order: training and prediction."""


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
    return frozenset(named or OPTIMIZATIONS) - set(without)


def _check(name: str) -> None:
    if name not in OPTIMIZATIONS:
        meant = nearest(name, list(OPTIMIZATIONS))
        names = one_of(["all", "none", *OPTIMIZATIONS])
        help = f"did you mean {meant}?" if meant else f"write {names}"
        raise NetspecError(f"there is no pass named {name!r}", help)


def switched_on(network: Network) -> tuple[str, ...]:
    """The names of the passes that a network is compiled with, in their order."""
    return tuple(name for name in OPTIMIZATIONS if network.passes is None or name in network.passes)


def optimized(network: Network) -> Graph:
    """The graph of a network behind the passes that are switched on for it."""
    return _applied(network.graph, switched_on(network))


def _applied(graph: Graph, names: Iterable[str]) -> Graph:
    for name in names:
        graph = OPTIMIZATIONS[name](graph)
    return graph


__all__ = [
    "OPTIMIZATIONS",
    "channels_first",
    "chosen",
    "optimized",
    "renamed",
    "split_activations",
    "switched_on",
    "unwrapped",
    "without_final_activations",
]
