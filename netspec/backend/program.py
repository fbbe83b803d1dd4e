"""What a backend takes: a network's graph after the backend's passes, with its weights."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from netspec.checks.objectives import Objective
from netspec.graph import Graph
from netspec.language.layers.activations import ActivationName
from netspec.language.spec import Train
from netspec.network import Network
from netspec.numerics.weights import Weights
from netspec.passes.base import Pass, active_passes, run_passes
from netspec.text.diagnostics import NetspecError


@dataclass(frozen=True)
class Program:
    """A graph after the passes of a backend, its weights, and what a graph lacks.

    Where only source code is written there are no weights. `outputs` are the spec's names of the
    outputs, in the order of the graph's. `passes` are the names of the passes that were run.
    `scales` are the divisors of the data by input. `taken_off` are the activations of the outputs
    that a loss on logits does without. `train` and `objectives`, one for each output, are the
    settings of the training, where the spec has one. `layer_error` returns the error for the layer
    of a name at its place in the spec, from a message and a remedy.
    """

    graph: Graph
    weights: Weights
    outputs: tuple[str, ...]
    passes: tuple[str, ...]
    scales: Mapping[str, float]
    taken_off: tuple[ActivationName | None, ...]
    train: Train | None
    objectives: tuple[Objective, ...]
    description: str
    layer_error: Callable[[str, str, str], NetspecError]

    @property
    def rounds_to_tf32(self) -> bool:
        """Whether training may round the factors of products to TF32 on NVIDIA GPUs."""
        return self.train is not None and self.train.precision == "tf32"


def prepare(network: Network, weights: Weights, passes: Iterable[Pass]) -> Program:
    """Run passes on a network, and return what a backend takes."""
    passes = active_passes(passes, network)
    graph, weights = run_passes(passes, network, weights)
    return Program(
        graph=graph,
        weights=weights,
        outputs=network.graph.outputs,
        passes=tuple(pass_.name for pass_ in passes),
        scales=network.scales,
        taken_off=network.taken_off,
        train=network.spec.train,
        objectives=network.objectives,
        description=network.spec.description,
        layer_error=network.layer_error,
    )
