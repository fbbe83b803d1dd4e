"""Networks to test with: a few lines of a spec, with random weights and random inputs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Graph
from netspec.language.layers import Shape
from netspec.network import Network, loads
from netspec.numerics.weights import Array
from netspec.testing.cases.base import Case, Inputs


def of_case(
    case: Case,
    optimizer: str | None = None,
    *,
    name: str = "tested",
    passes: frozenset[str] | None = None,
) -> Network:
    """The network of a case, compiled with some passes; None is all of them."""
    return replace(network(case.shape, case.layers, optimizer, name=name), passes=passes)


def network(
    shape: Inputs,
    layers: Sequence[str],
    optimizer: str | None = None,
    *,
    name: str = "tested",
    from_logits: bool = False,
    **train: object,
) -> Network:
    """The network of a spec with these layers, each as YAML; with an optimizer it can be trained.

    A last line `output: …` names the outputs; `train` adds fields to how it is trained.
    """
    inputs = {entry[0]: entry[1] for entry in shape if isinstance(entry, tuple)} or shape
    lines = ["netspec: 1", f"name: {name}", f"input: {json.dumps(inputs)}", "layers:"]
    lines += [layer if layer.startswith("output:") else f"  - {layer}" for layer in layers]
    if optimizer is not None:
        loss = "sparse_categorical_crossentropy"
        if from_logits:
            loss = f"{{{loss}: {{from_logits: true}}}}"
        fields = {"loss": loss, "optimizer": f"{{{optimizer}}}", **train}
        lines += ["train:", *(f"  {key}: {value}" for key, value in fields.items())]
    return loads("\n".join(lines))


def random_weights(graph: Graph, seed: int = 0) -> dict[str, Array]:
    """Weights that no initializer returns, of a size that keeps the values near 1."""
    random = np.random.default_rng(seed)
    return {
        key: _random_weight(random, key.rpartition(".")[2], weight.shape)
        for key, weight in graph.weights()
    }


def _random_weight(random: np.random.Generator, name: str, shape: Shape) -> Array:
    match name:
        case "gamma" | "moving_variance":
            values = random.uniform(0.5, 2, shape)
        case "kernel":
            values = random.normal(0, 1 / np.sqrt(np.prod(shape[:-1])), shape)
        case _:
            values = random.normal(0, 0.5, shape)
    return values.astype(np.float32)


def random_inputs(graph: Graph, count: int, seed: int = 0) -> Array:
    """Inputs (count, …) from a normal distribution, for a graph of one input."""
    (inputs,) = all_random_inputs(graph, count, seed)
    return inputs


def all_random_inputs(graph: Graph, count: int, seed: int = 0, *, whole: int = 0) -> list[Array]:
    """A batch (count, …) of every input, from a normal distribution.

    With `whole` they are whole numbers from 0 to below it.
    """
    random = np.random.default_rng((seed, 1))
    shapes = [(count, *tensor.shape) for tensor in graph.inputs]
    if whole:
        return [random.integers(0, whole, shape).astype(np.float32) for shape in shapes]
    return [random.normal(0, 1, shape).astype(np.float32) for shape in shapes]


def random_cotangents(outputs: Sequence[NDArray[Any]]) -> list[Array]:
    """A random cotangent for every output (n, …): what it is multiplied by before the sum."""
    random = np.random.default_rng(4)
    return [random.normal(0, 1, output.shape).astype(np.float32) for output in outputs]
