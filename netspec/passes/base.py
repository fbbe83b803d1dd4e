"""A pass, and how the passes of a backend are run."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from netspec.graph import Graph
from netspec.graph.verify import verify
from netspec.network import Network
from netspec.numerics.weights import Weights


@dataclass(frozen=True)
class Pass:
    """A function from a graph and its weights to a graph and weights, with a name.

    The network has what the graph lacks, such as the losses of the outputs. An `optional` pass can
    be switched off: it makes the network faster. The other passes make it fit the backend. Where
    source code is written there are no weights.
    """

    name: str
    apply: Callable[[Graph, Weights, Network], tuple[Graph, Weights]]
    optional: bool = False


def graph_pass(change: Callable[[Graph], Graph], *, optional: bool = False) -> Pass:
    """A pass that changes no weights, and is named after its function."""
    return Pass(change.__name__, lambda graph, weights, _: (change(graph), weights), optional)


def weights_pass(change: Callable[[Graph, Weights], tuple[Graph, Weights]]) -> Pass:
    """A pass that may be switched off and may change weights, named after its function."""
    return Pass(change.__name__, lambda graph, weights, _: change(graph, weights), optional=True)


@dataclass(frozen=True)
class Stage:
    """A graph after a pass, with its weights, and the graph before it."""

    name: str
    before: Graph
    graph: Graph
    weights: Weights


def active_passes(passes: Iterable[Pass], network: Network) -> tuple[Pass, ...]:
    """The passes that are not switched off for a network, in their order."""
    return tuple(pass_ for pass_ in passes if not pass_.optional or network.uses(pass_.name))


def stages(passes: Iterable[Pass], network: Network, weights: Weights) -> Iterator[Stage]:
    """The graph of a network after each pass that is switched on."""
    graph = network.graph
    for pass_ in active_passes(passes, network):
        before = graph
        graph, weights = pass_.apply(graph, weights, network)
        if "PYTEST_CURRENT_TEST" in os.environ:
            verify(graph)
        yield Stage(pass_.name, before, graph, weights)


def run_passes(passes: Iterable[Pass], network: Network, weights: Weights) -> tuple[Graph, Weights]:
    """The graph of a network after passes, and its weights.

    Its outputs have the same values, in the same order.
    """
    graph = network.graph
    for stage in stages(passes, network, weights):
        graph, weights = stage.graph, stage.weights
    return graph, weights
