"""Every pass keeps the values of a graph, and its result is what a backend requires."""

from __future__ import annotations

from functools import reduce
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from netspec.graph import Graph, Node, activation, infer
from netspec.language.layers import (
    Activation,
    AveragePooling2D,
    Conv2D,
    Dense,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Transpose,
)
from netspec.language.layers.merging import Add, Concatenate
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.regularization import Dropout
from netspec.language.spec import INPUT
from netspec.numerics.initial import initial
from netspec.passes.layout import channels_first, split_activations, without_final_activations
from netspec_numpy.interpreter import compute, run, run_all

Values: TypeAlias = NDArray[np.float64]

SHAPE = (6, 5, 4)  # all different, so that a wrong order of the axes shows
IMAGE_LAYERS: list[Layer] = [
    Conv2D(filters=4, kernel_size=(2, 2), padding="same", activation="relu"),
    Conv2D(filters=4, kernel_size=(1, 1), activation="softmax"),
    MaxPooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
    AveragePooling2D(pool_size=(2, 2), strides=(1, 1), padding="same"),
    BatchNormalization(),
    BatchNormalization(axis=1),
    Activation(activation="tanh"),
    Activation(activation="softmax"),
    Dropout(rate=0.5),
    Dropout(rate=0.5, noise_shape=(1, 1, None)),
    Dense(units=4, activation="elu"),
]
ENDINGS: list[list[Layer]] = [
    [],
    [Flatten()],
    [Flatten(), Dense(units=3, activation="softmax")],
    [GlobalAveragePooling2D(), Dense(units=3), Activation(activation="softmax")],
    [GlobalAveragePooling2D(keepdims=True)],
    [GlobalAveragePooling2D(keepdims=True), Flatten(), BatchNormalization()],
]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    layers = draw(st.lists(st.sampled_from(IMAGE_LAYERS), min_size=1, max_size=6))
    graph, faults = infer("example", SHAPE, [*layers, *draw(st.sampled_from(ENDINGS))])
    assert not faults
    return graph


def values(graph: Graph) -> tuple[dict[str, NDArray[np.float32]], NDArray[np.float32]]:
    """Weights and inputs for a graph."""
    return initial(graph, 0), np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)


@given(graphs())
@settings(deadline=None)
def test_splitting_activations_keeps_the_values(graph: Graph) -> None:
    weights, inputs = values(graph)

    np.testing.assert_array_equal(
        run(split_activations(graph), weights, inputs), run(graph, weights, inputs)
    )


@given(graphs())
@settings(deadline=None)
def test_splitting_activations_keeps_the_weights(graph: Graph) -> None:
    assert [*split_activations(graph).weights()] == [*graph.weights()]


@given(graphs())
@settings(deadline=None)
def test_after_splitting_only_activations_activate(graph: Graph) -> None:
    for node in split_activations(graph).nodes:
        assert isinstance(node.layer, Activation) or activation(node.layer) == "linear"


@given(graphs())
@settings(deadline=None)
def test_a_split_graph_is_not_split_again(graph: Graph) -> None:
    new_graph = split_activations(graph)

    assert split_activations(new_graph) == new_graph


def test_a_split_activation_is_named_after_its_layer() -> None:
    graph, _ = infer("example", (4,), [Dense(units=3, activation="relu"), Dense(units=2)])

    assert [(node.name, node.inputs) for node in split_activations(graph).nodes] == [
        ("dense", (INPUT,)),
        ("dense.activation", ("dense",)),
        ("dense_1", ("dense.activation",)),
    ]


@pytest.mark.parametrize(
    "ending",
    [
        [Dense(units=3, activation="softmax")],
        [Dense(units=3), Activation(activation="softmax")],
        [Conv2D(filters=3, kernel_size=(1, 1), activation="softmax")],
        [Activation(activation="softmax"), Activation(activation="softmax")],
    ],
    ids=["dense", "activation", "convolution", "twice"],
)
def test_the_softmax_of_the_logits_is_the_output(ending: list[Any]) -> None:
    graph, _ = infer("example", SHAPE, ending)
    weights, inputs = values(graph)

    logits = run(without_final_activations(split_activations(graph), [True]), weights, inputs)

    powers = np.exp(logits.astype(np.float64))
    np.testing.assert_allclose(
        powers / powers.sum(axis=-1, keepdims=True), run(graph, weights, inputs), 1e-5
    )


def test_of_several_outputs_the_chosen_lose_their_activation() -> None:
    layers: list[Layer] = [
        Dense(name="a", inputs=("input",), units=3, activation="softmax"),
        Dense(name="b", inputs=("input",), units=2, activation="tanh"),
        Dense(name="c", inputs=("input",), units=1, activation="sigmoid"),
    ]
    graph, _ = infer("example", (4,), layers, ["c", "b", "a"])
    weights, x = initial(graph, 0), np.ones((2, 4), np.float32)

    new_graph = without_final_activations(split_activations(graph), [True, False, True])

    assert new_graph.outputs == ("c", "b.activation", "a")
    logits, expected = run_all(new_graph, weights, x), run_all(graph, weights, x)
    np.testing.assert_allclose(1 / (1 + np.exp(-logits["c"])), expected["c"], 1e-6)
    np.testing.assert_array_equal(logits["b.activation"], expected["b"])


def test_merging_channels_first_images_transposes_no_output() -> None:
    layers = [
        Conv2D(filters=4, kernel_size=(1, 1), name="conv"),
        MaxPooling2D(pool_size=(1, 1), name="pool"),
        Add(inputs=("conv", "pool"), name="add"),
        Concatenate(inputs=("conv", "add"), name="all"),
        Conv2D(filters=4, kernel_size=(1, 1)),
    ]
    graph, _ = infer("example", SHAPE, layers)

    nodes = channels_first(graph).nodes

    assert [node.inputs[0] for node in nodes if isinstance(node.layer, Transpose)] == [
        INPUT,
        "conv2d",
    ]


@given(graphs())
@settings(deadline=None)
def test_channels_first_keeps_the_values(graph: Graph) -> None:
    """Transpositions change the order in memory; each node reads the order of its input's layout."""
    weights, inputs = values(graph)
    expected = run_all(graph, weights, inputs)
    tensors = {INPUT: expected[INPUT]}

    for node in (new_graph := channels_first(graph)).nodes:
        tensors[node.name] = in_memory(new_graph, node, tensors[node.inputs[0]], weights)

    # Sums in another order may differ in the last digit.
    np.testing.assert_allclose(
        tensors[new_graph.output.name], expected[graph.output.name], 1e-9, 1e-12
    )


def in_memory(graph: Graph, node: Node, x: Values, weights: Any) -> Values:
    """The output of a node for an input in the memory order of the node before."""
    if isinstance(node.layer, Transpose):
        return np.transpose(x, node.layer.axes(node.shape))
    first = layouts(graph)[node.inputs[0]] == "channels_first"
    node_weights = {
        weight.name: weights[f"{node.name}.{weight.name}"].astype(np.float64)
        for weight in node.weights
    }
    y = compute(node.layer, node_weights, False, np.moveaxis(x, 1, -1) if first else x)
    return np.moveaxis(y, -1, 1) if node.layout == "channels_first" else y


def layouts(graph: Graph) -> dict[str, str]:
    return {INPUT: "channels_last", **{node.name: node.layout for node in graph.nodes}}


@given(graphs())
@settings(deadline=None)
def test_no_two_transpositions_follow_each_other(graph: Graph) -> None:
    nodes = {node.name: node for node in channels_first(graph).nodes}

    for node in nodes.values():
        if isinstance(node.layer, Transpose) and node.inputs[0] in nodes:
            assert not isinstance(nodes[node.inputs[0]].layer, Transpose)


@given(graphs())
@settings(deadline=None)
def test_a_transposition_changes_the_layout(graph: Graph) -> None:
    new_graph = channels_first(graph)

    for node in new_graph.nodes:
        if isinstance(node.layer, Transpose):
            assert {layouts(new_graph)[node.inputs[0]], node.layout} == {
                "channels_first",
                "channels_last",
            }


@given(graphs())
@settings(deadline=None)
def test_every_layer_reads_the_layout_it_requires(graph: Graph) -> None:
    new_graph = channels_first(graph)

    for node in new_graph.nodes:
        layout = node.layer.input_layout(node.input_shapes)
        if not isinstance(node.layer, Transpose) and layout != "either":
            assert layouts(new_graph)[node.inputs[0]] == layout


@pytest.mark.parametrize(
    "layer",
    [
        Conv2D(filters=2, kernel_size=(2, 2)),
        MaxPooling2D(),
        AveragePooling2D(),
        GlobalAveragePooling2D(),
        BatchNormalization(),
    ],
    ids=lambda layer: layer.tag,
)
def test_a_spatial_layer_gets_channels_first(layer: Layer) -> None:
    graph, _ = infer("example", SHAPE, [layer])

    first, second, *_ = channels_first(graph).nodes

    assert first.layer == Transpose(to="channels_first")
    assert (second.layer, second.inputs) == (layer, (first.name,))


@pytest.mark.parametrize(
    "layer",
    [
        Flatten(),
        Dense(units=2),
        Activation(activation="relu"),
        Activation(activation="softmax"),
        BatchNormalization(axis=1),
        Dropout(rate=0.5),
    ],
    ids=str,
)
def test_a_layer_without_layout_is_not_transposed(layer: Layer) -> None:
    graph, _ = infer("example", SHAPE, [layer])

    assert channels_first(graph) == graph


@given(graphs())
@settings(deadline=None)
def test_the_output_is_channels_last(graph: Graph) -> None:
    assert channels_first(graph).output.layout == "channels_last"


@given(graphs())
@settings(deadline=None)
def test_channels_first_only_adds_transpositions(graph: Graph) -> None:
    nodes = [node for node in channels_first(graph).nodes if not isinstance(node.layer, Transpose)]

    assert [(node.name, node.layer, node.shape) for node in nodes] == [
        (node.name, node.layer, node.shape) for node in graph.nodes
    ]


@given(graphs())
@settings(deadline=None)
def test_every_pass_leaves_nodes_in_topological_order(graph: Graph) -> None:
    softmax = activation(graph.output.layer) == "softmax" and len(graph.nodes) > 1
    passes = (
        split_activations,
        lambda split: without_final_activations(split, [softmax]),
        channels_first,
    )
    nodes = reduce(lambda before, graph_pass: graph_pass(before), passes, graph).nodes
    names = {INPUT}

    for node in nodes:
        assert set(node.inputs) <= names
        assert node.name not in names
        names.add(node.name)


def test_chained_convolutions_are_transposed_only_at_ends() -> None:
    layers = [
        Conv2D(filters=4, kernel_size=(2, 2), activation="relu"),
        MaxPooling2D(),
        Dropout(rate=0.5),
        BatchNormalization(),
        Flatten(),
        Dense(units=2),
    ]
    graph, _ = infer("example", SHAPE, layers)

    tags = [node.layer.tag for node in channels_first(graph).nodes]

    assert tags == [
        "Transpose",
        "Conv2D",
        "MaxPooling2D",
        "Dropout",
        "BatchNormalization",
        "Transpose",
        "Flatten",
        "Dense",
    ]
