"""A plain NumPy interpreter of graphs: the definition of every layer.

It is written to be read, not to be fast. It computes in float64, so a difference of another backend
is the rounding of the other backend. Tensors are channels last, and the batch axis is the first. It
runs a graph as it was inferred, and after `split_activations`. It has no layers that only change the
layout in memory.
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
    """The values of every input and every node of a graph, by name.

    `weights` are by key `<node>.<weight>`. In training, BatchNormalization takes the statistics of
    the batch.
    """
    pairs = zip(graph.inputs, inputs, strict=True)
    values = {tensor.name: array.astype(np.float64) for tensor, array in pairs}
    for node in graph.nodes:
        layer_weights = {
            weight.name: weights[f"{node.name}.{weight.name}"].astype(np.float64)
            for weight in node.weights
        }
        values[node.name] = compute(
            node.layer, layer_weights, training, *(values[name] for name in node.inputs)
        )
    return values


__all__ = ["ACTIVATIONS", "Values", "Weights", "compute", "run", "run_all"]
