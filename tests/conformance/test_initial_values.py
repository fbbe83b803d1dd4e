"""Initial values have the distributions of Keras's layers, in the core and in PyTorch modules.

Every weight of every layer that has one is drawn with initializers that depend on fans. The
distributions are compared by what they are drawn with: the limits, or mean and deviation.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from math import prod
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from conformance.networks import found_training
from netspec.backend import execute
from netspec.graph import Graph, Node, infer
from netspec.language.layers import Layer
from netspec.language.layers.initializers import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initializer,
    LecunNormal,
    LecunUniform,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    UnitForgetBias,
    VarianceScaling,
    resolve,
)
from netspec.network import Network
from netspec.testing.cases import ALL, CASES
from netspec.testing.networks import of_case

SCALED: list[Initializer] = [
    GlorotNormal(),
    GlorotUniform(),
    HeNormal(),
    HeUniform(),
    LecunNormal(),
    LecunUniform(),
    VarianceScaling(scale=3.0, mode="fan_out", distribution="untruncated_normal"),
]

BY_FAN: list[Initializer] = [
    LecunNormal(),
    VarianceScaling(scale=3.0, mode="fan_out", distribution="untruncated_normal"),
]
"""One for each fan, of which the others are sums."""

Drawn = tuple[int, str, float, float]
"""How many values were drawn, from which distribution, and its two parameters."""


def nodes_with_weights() -> list[Node]:
    """The layers of the table, one for all of a class that have the same weights."""
    nodes = {
        (node.layer.tag, node.weights): node
        for cases in CASES.values()
        for case in cases
        for node in of_case(case).graph.nodes
        if node.weights
    }
    return [*nodes.values()]


NODES = nodes_with_weights()
FIRST = {node.layer.tag: node for node in reversed(NODES)}
"""The first node of each class."""


def scaled(node: Node) -> list[Initializer]:
    """All initializers for the first node of a class, and one for each fan for the others."""
    return SCALED if node is FIRST[node.layer.tag] else BY_FAN


def named(node: Node) -> str:
    shapes = ("x".join(map(str, weight.shape)) for weight in node.weights)
    return f"{node.layer.tag} {' '.join(shapes)}"


def started_as(layer: Any, initializer: Initializer, without: set[str]) -> Any:  # Any: any layer
    """The layer, and the layer inside, with one initializer in all fields but those `without`."""
    names = [name for name in type(layer).model_fields if name.endswith("_initializer")]
    fields: dict[str, object] = {name: initializer for name in names if name not in without}
    if isinstance(inner := getattr(layer, "layer", None), Layer):
        fields["layer"] = started_as(inner, initializer, without)
    return layer.model_copy(update=fields)


def graph_of(node: Node, *initializers: Initializer, without: set[str] | None = None) -> Graph:
    """A graph of a layer with every initializer, in all fields but those `without`."""
    inputs = dict(zip(node.inputs, node.input_shapes, strict=False))
    layers = [started_as(node.layer, initializer, without or set()) for initializer in initializers]
    for index, layer in enumerate(layers):
        changes = {"name": f"tested{index}", "inputs": layer.inputs or node.inputs}
        layers[index] = layer.model_copy(update=changes)
    graph, faults = infer("tested", inputs, layers, [layer.name for layer in layers])
    assert not faults
    return graph


def expected(graph: Graph) -> list[Drawn]:
    """What the core draws the weights of a graph from."""
    draws: list[Drawn] = []
    for _, weight in graph.weights():
        if isinstance(weight.initializer, UnitForgetBias):
            units = weight.size // 4
            for size in (units, 2 * units):  # before the forget gate, and after it
                draws += described(resolve(weight.initializer.others, (size, size)), size)
        else:
            draws += described(resolve(weight.initializer, weight.fans), weight.size)
    return draws


def described(initializer: object, size: int) -> list[Drawn]:
    match initializer:
        case RandomUniform(minval=low, maxval=high):
            return [(size, "uniform", low, high)]
        case TruncatedNormal(mean=mean, stddev=stddev):
            return [(size, "truncated normal", mean, stddev)]
        case RandomNormal(mean=mean, stddev=stddev):
            return [(size, "normal", mean, stddev)]
        case _:
            return []


def check(actual: list[Drawn], expected: list[Drawn]) -> None:
    assert [draw[:2] for draw in actual] == [draw[:2] for draw in expected]
    np.testing.assert_allclose([draw[2:] for draw in actual], [draw[2:] for draw in expected], 1e-6)


# ---------------------------------------------------------------------------------------- Keras


@pytest.fixture
def keras_draws(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    """What Keras's initializers draw from."""
    keras = pytest.importorskip("keras_oracle").keras
    module: Any = __import__(keras.initializers.VarianceScaling.__module__, fromlist=["random"])
    draws: list[Drawn] = []

    def record(name: str, kind: str, first: str, second: str) -> None:
        draw = getattr(module.random, name)

        def recorded(shape: Any, **options: Any) -> Any:
            draws.append((prod(shape), kind, options[first], options[second]))
            return draw(shape, **options)

        monkeypatch.setattr(module.random, name, recorded)

    record("uniform", "uniform", "minval", "maxval")
    record("normal", "normal", "mean", "stddev")
    record("truncated_normal", "truncated normal", "mean", "stddev")
    return draws


@pytest.mark.parametrize("node", NODES, ids=named)
def test_weights_are_drawn_as_in_built_keras_layers(node: Node, keras_draws: list[Drawn]) -> None:
    from keras_oracle import keras_build

    graph = graph_of(node, *scaled(node))

    for node in graph.nodes:
        keras_build(node.layer, *node.input_shapes)

    check(keras_draws, expected(graph))


# -------------------------------------------------------------------------------------- PyTorch


@pytest.fixture
def torch_draws(monkeypatch: pytest.MonkeyPatch) -> list[Drawn]:
    """What the functions of torch.nn.init draw from."""
    init: Any = pytest.importorskip("torch").nn.init
    draws: list[Drawn] = []

    def record(name: str, kind: str) -> None:
        draw: Callable[..., Any] = getattr(init, name)

        def recorded(tensor: Any, a: float = 0, b: float = 1, *rest: Any) -> Any:
            draws.append((tensor.numel(), kind, a, b))
            return draw(tensor, a, b, *rest)

        monkeypatch.setattr(init, name, recorded)

    record("_no_grad_uniform_", "uniform")  # by which uniform_ and xavier_uniform_ draw
    record("normal_", "normal")
    record("trunc_normal_", "truncated normal")
    return draws


def torch_module(graph: Graph) -> ModuleType:
    network = replace(of_case(ALL[0]), graph=graph)
    assert isinstance(network, Network)
    return execute(found_training("torch").source(network), "tested")


@pytest.mark.parametrize("node", NODES, ids=named)
def test_reset_parameters_draws_as_the_core(node: Node, torch_draws: list[Drawn]) -> None:
    graph = graph_of(node, *scaled(node))
    model = torch_module(graph).build_model()
    torch_draws.clear()  # of the constructors of PyTorch's own layers

    model.reset_parameters()

    check(torch_draws, expected(graph))


def matrices_of(node: Node) -> set[str]:
    """The keys of the weights that have two axes or more, and an initializer in a field."""
    return {
        weight.name
        for weight in node.weights
        if len(weight.shape) > 1 and weight.field("initializer")[-1] not in vectors_of(node)
    }


def vectors_of(node: Node) -> set[str]:
    """The fields of initializers that a vector has too."""
    vectors = [weight for weight in node.weights if len(weight.shape) < 2]
    return {weight.field("initializer")[-1] for weight in vectors}


MATRICES = [node for node in NODES if matrices_of(node) and node.layer.tag != "RMSNormalization"]


@pytest.mark.parametrize("node", MATRICES, ids=named)
def test_reset_parameters_makes_the_orthogonal_matrices_of_keras(node: Node) -> None:
    graph = graph_of(node, Orthogonal(), without=vectors_of(node))
    module = torch_module(graph)
    tensors = module.build_model().state_dict()

    for weight in graph.nodes[0].weights:
        if weight.name in matrices_of(node):
            name, axes = module.WEIGHTS[f"tested0.{weight.name}"]
            ordered = tensors[name].numpy().reshape([weight.shape[axis] for axis in axes])
            matrix = ordered.transpose(np.argsort(axes)).reshape(-1, weight.shape[-1])
            smaller = min((matrix.T @ matrix, matrix @ matrix.T), key=len)
            np.testing.assert_allclose(smaller, np.eye(len(smaller)), atol=1e-5)
