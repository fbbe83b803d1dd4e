"""What a backend declares about itself, for the conformance tests of `netspec.testing`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from netspec.backend.contract import Backend
from netspec.backend.program import Program
from netspec.graph import Graph
from netspec.language.layers import LAYERS
from netspec.network import Network
from netspec.numerics.weights import Array, Weights


@dataclass(frozen=True)
class Gradients:
    """The gradients of the sum of outputs times cotangents.

    `inputs` are in the order of the network's inputs, `weights` by key for trainable weights.
    `statistics` are the values of the other weights afterwards.
    """

    inputs: list[Array]
    weights: dict[str, Array]
    statistics: dict[str, Array]


class GradientFunction(Protocol):
    """A function that computes gradients with the framework's automatic differentiation."""

    def __call__(
        self,
        program: Program,
        inputs: list[Array],
        cotangents: list[Array],
        *,
        training: bool,
        device: str = "cpu",
    ) -> Gradients:
        """The gradients for inputs (n, …), with one cotangent (n, …) for each output."""
        ...


ExactFunction = Callable[[Network, Weights, list[Array], bool], list[NDArray[np.float64]]]
"""The outputs in float64 for a network, its weights, its inputs, and whether it is in training."""


@dataclass(frozen=True)
class Declaration:
    """The layers that a backend has, its known gaps, and how its gradients are computed."""

    layers: frozenset[str]
    """The class names of the layers that it lowers, or that its passes replace."""

    gaps: Mapping[str, str] = field(default_factory=dict[str, str])
    """Why a test fails, by layer or by case. The test must start to fail when the gap is closed."""

    notes: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the documentation shows for a layer's support instead of `yes`."""

    gradients: GradientFunction | None = None
    """None for a backend that only predicts."""

    exact: ExactFunction | None = None
    """For a backend in float64, with which others are compared."""


@runtime_checkable
class DeclaringBackend(Backend, Protocol):
    """A backend that the conformance tests can check."""

    def declaration(self) -> Declaration:
        """What the backend declares. It does not import the framework; its functions do that."""
        ...


def missing_layers(declared: Declaration, graph: Graph) -> Iterator[tuple[str, str]]:
    """The name of every node whose layer a backend lacks, and the class name of the layer.

    It may be the layer in a wrapper. Layers that only passes insert are not declared.
    """
    for node in graph.nodes:
        for layer in (node.layer, getattr(node.layer, "layer", node.layer)):
            if layer.tag in LAYERS.keys() - declared.layers:
                yield node.name, layer.tag
                break


def registered_layers(lower: Any, *replaced: str) -> frozenset[str]:  # Any: a singledispatch
    """The layers that a `functools.singledispatch` function lowers, and those `replaced`."""
    default = lower.dispatch(object)
    lowered = {tag for tag, layer in LAYERS.items() if lower.dispatch(layer) is not default}
    return frozenset(lowered.union(replaced))
