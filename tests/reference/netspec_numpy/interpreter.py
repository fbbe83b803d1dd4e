"""A plain NumPy interpreter of graphs: the living definition of every layer.

It is meant to be read, not to be fast. Values are float64 inside and float32 where they leave, so
that what differs from it is the rounding of the other side. Tensors are channels last, with the
batch axis in front. It runs a graph as it was inferred, and after `split_activations`; layers that
only say where a tensor lies in memory have no place in it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Graph
from netspec_numpy.layers import ACTIVATIONS, Values, compute

Weights: TypeAlias = Mapping[str, NDArray[np.float32]]


def run(
    graph: Graph, weights: Weights, *inputs: NDArray[np.float32], training: bool = False
) -> NDArray[np.float32]:
    """The first output of a graph for a batch of each input (n, …); see `run_all`."""
    values = run_all(graph, weights, *inputs, training=training)
    return values[graph.outputs[0]].astype(np.float32)


def run_all(
    graph: Graph, weights: Weights, *inputs: NDArray[np.float32], training: bool = False
) -> dict[str, Values]:
    """What every input and every node of a graph holds, by name.

    `weights` are by key `<node>.<weight>`. In training, BatchNormalization takes the statistics of
    the batch.
    """
    given = zip(graph.inputs, inputs, strict=True)
    values = {each.name: value.astype(np.float64) for each, value in given}
    for node in graph.nodes:
        own = {
            weight.name: weights[f"{node.name}.{weight.name}"].astype(np.float64)
            for weight in node.weights
        }
        values[node.name] = compute(
            node.layer, own, training, *(values[name] for name in node.inputs)
        )
    return values


__all__ = ["ACTIVATIONS", "Values", "Weights", "compute", "run", "run_all"]
