"""The passes for prediction: what each pass changes, where it must not, and the same values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec.graph import Graph
from netspec.graph.verify import verify
from netspec.language.layers.normalization import BatchNormalization
from netspec.network import Network, loads
from netspec.numerics.weights import check
from netspec.passes import INFERENCE, for_inference
from netspec.passes.extent import needed_extent
from netspec_numpy.interpreter import run_all

Array = NDArray[np.float32]


def network(shape: str, *layers: str) -> Network:
    """A network of layers in YAML. A last line `output: …` names the outputs."""
    lines = [layer if layer.startswith("output:") else f"  - {layer}" for layer in layers]
    return loads("\n".join(["netspec: 1", "name: tested", f"input: {shape}", "layers:", *lines]))


def random_weights(graph: Graph) -> dict[str, Array]:
    """Weights of absolute values from 0.1 to 1.1. About half are negative, but no variance."""
    random = np.random.default_rng(1)
    values = {
        key: random.uniform(0.1, 1.1, weight.shape) * random.choice([-1, 1], weight.shape)
        for key, weight in graph.weights()
    }
    return {
        key: (np.abs(value) if key.endswith("variance") else value).astype(np.float32)
        for key, value in values.items()
    }


def inputs(graph: Graph) -> list[Array]:
    random = np.random.default_rng(2)
    return [
        random.normal(size=(2, *graph_input.shape)).astype(np.float32)
        for graph_input in graph.inputs
    ]


BY_NAME = {graph_pass.name: graph_pass for graph_pass in INFERENCE}


def tag(layer: str) -> str:
    return layer.partition(":")[0]


def tags_after(
    name: str, shape: str, *layers: str, weights: Mapping[str, Array] | None = None
) -> list[str]:
    """The layers of a network after a pass. Checks that the pass keeps the values of outputs."""
    net = network(shape, *layers)
    graph = net.graph
    weights = random_weights(graph) if weights is None else weights
    new_graph, new_weights = BY_NAME[name].apply(graph, weights, net)
    verify(new_graph)
    check(new_graph, new_weights, "the pass")
    assert new_graph.outputs == graph.outputs
    expected, actual = (
        run_all(version, values, *inputs(graph))
        for version, values in ((graph, weights), (new_graph, new_weights))
    )
    for output in graph.outputs:
        largest = np.abs(expected[output]).max()
        np.testing.assert_allclose(actual[output], expected[output], 0, 1e-6 * largest)
    return [node.layer.tag for node in new_graph.nodes]


# Folding into the layer before.


BEFORE = [
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 2}"),
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 2, use_bias: false, padding: same}"),
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 2, groups: 2}"),
    ("[5, 6]", "Conv1D: {filters: 4, kernel_size: 2, padding: causal}"),
    ("[3, 4, 3, 2]", "Conv3D: {filters: 4, kernel_size: 2}"),
    ("[5, 4, 3]", "DepthwiseConv2D: {kernel_size: 2, depth_multiplier: 2}"),
    ("[5, 3]", "DepthwiseConv1D: {kernel_size: 2, depth_multiplier: 2, use_bias: false}"),
    ("[5, 4, 3]", "SeparableConv2D: {filters: 4, kernel_size: 2, depth_multiplier: 2}"),
    ("[5, 4, 3]", "Conv2DTranspose: {filters: 4, kernel_size: 2, strides: 3, padding: same}"),
    ("[5]", "Dense: {units: 4}"),
    ("[2, 5]", "Dense: {units: 4, use_bias: false}"),
    ("[2, 5, 4, 6]", "TimeDistributed: {layer: {Conv2D: {filters: 4, kernel_size: 2}}}"),
    ("[2, 5]", "TimeDistributed: {layer: {Dense: {units: 4, use_bias: false}}}"),
]


@pytest.mark.parametrize(("shape", "layer"), BEFORE)
@pytest.mark.parametrize("normalization", ["", ": {scale: false}", ": {center: false}"])
def test_batch_normalization_is_folded_into_the_layer_before(
    shape: str, layer: str, normalization: str
) -> None:
    tags = tags_after(
        "fold_batch_normalization", shape, layer, f"BatchNormalization{normalization}"
    )

    assert tags == [tag(layer)]


def test_a_folded_layer_takes_the_normalizations_name() -> None:
    net = network("[3]", "Dense: {units: 2}", "BatchNormalization", "Dense: {units: 1}")
    weights = random_weights(net.graph)

    graph, new_weights = BY_NAME["fold_batch_normalization"].apply(net.graph, weights, net)

    assert [node.name for node in graph.nodes] == ["batch_normalization", "dense_1"]
    assert new_weights.keys() == {
        "batch_normalization.kernel",
        "batch_normalization.bias",
        "dense_1.kernel",
        "dense_1.bias",
    }
    # gamma (x kernel + bias - mean) / sqrt(variance + epsilon) + beta, with Keras's epsilon
    values = {key: value.astype(np.float64) for key, value in weights.items()}
    statistics = {
        name: values[f"batch_normalization.{name}"]
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    factor = statistics["gamma"] / np.sqrt(statistics["moving_variance"] + 1e-3)
    shift = factor * (values["dense.bias"] - statistics["moving_mean"]) + statistics["beta"]
    kernel = (factor * values["dense.kernel"]).astype(np.float32)
    np.testing.assert_array_equal(new_weights["batch_normalization.kernel"], kernel)
    np.testing.assert_allclose(new_weights["batch_normalization.bias"], shift, 2**-23)


NOT_BEFORE = [
    ("an activation", "[4]", ["Dense: {units: 3, activation: relu}", "BatchNormalization"]),
    (
        "an activation inside",
        "[2, 4]",
        ["TimeDistributed: {layer: {Dense: {units: 3, activation: relu}}}", "BatchNormalization"],
    ),
    (
        "another reader",
        "[4]",
        ["Dense: {units: 3, name: d}", "BatchNormalization: {name: b}", "Add: {inputs: [d, b]}"],
    ),
    (
        "an output",
        "[4]",
        ["Dense: {units: 3, name: d}", "BatchNormalization: {name: b}", "output: [d, b]"],
    ),
    ("another axis", "[4, 3]", ["Dense: {units: 3}", "BatchNormalization: {axis: 1}"]),
    ("no kernel", "[4]", ["Activation: {activation: relu}", "BatchNormalization"]),
]


@pytest.mark.parametrize(
    ("shape", "layers"), [case[1:] for case in NOT_BEFORE], ids=[case[0] for case in NOT_BEFORE]
)
def test_batch_normalization_is_not_folded_with(shape: str, layers: list[str]) -> None:
    assert "BatchNormalization" in tags_after("fold_batch_normalization", shape, *layers)


# Folding into the layer after.


AFTER = [
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 2, activation: relu}"),
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 2, strides: 2, groups: 2, use_bias: false}"),
    ("[5, 4, 6]", "Conv2D: {filters: 4, kernel_size: 1, padding: same}"),
    ("[5, 4, 3]", "DepthwiseConv2D: {kernel_size: 2, depth_multiplier: 2}"),
    ("[5, 4, 3]", "SeparableConv2D: {filters: 4, kernel_size: 2, depth_multiplier: 2}"),
    ("[5]", "Dense: {units: 4, activation: softmax}"),
    ("[2, 5]", "Dense: {units: 4, use_bias: false}"),
    ("[2, 5, 6]", "TimeDistributed: {layer: {Conv1D: {filters: 4, kernel_size: 2}}}"),
]


@pytest.mark.parametrize(("shape", "layer"), AFTER)
@pytest.mark.parametrize(
    ("name", "scaling"),
    [
        ("fold_batch_normalization", "BatchNormalization"),
        ("fold_rescaling", "Rescaling: {scale: 0.25, offset: -1}"),
        ("fold_rescaling", "Normalization: {mean: 0.5, variance: 4}"),
        ("fold_rescaling", "Normalization: {mean: 0.5, variance: 4, invert: true}"),
    ],
)
def test_a_scaling_is_folded_into_the_next_layer(
    shape: str, layer: str, name: str, scaling: str
) -> None:
    assert tags_after(name, shape, scaling, layer) == [tag(layer)]


PADDED = [
    "Conv2D: {filters: 4, kernel_size: 3, padding: same}",
    "DepthwiseConv2D: {kernel_size: 2, padding: same}",
    "SeparableConv2D: {filters: 4, kernel_size: 2, padding: same}",
    "Conv2DTranspose: {filters: 4, kernel_size: 2}",
    "TimeDistributed: {layer: {Conv1D: {filters: 4, kernel_size: 3, padding: same}}}",
]


@pytest.mark.parametrize("layer", PADDED)
def test_a_shift_stays_before_zeros(layer: str) -> None:
    scaling = "Rescaling: {scale: 0.25, offset: -1}"

    tags = tags_after("fold_rescaling", "[5, 4, 3]", scaling, layer)

    assert tags == ["Rescaling", tag(layer)]


@pytest.mark.parametrize("layer", PADDED)
def test_a_factor_moves_after_zeros(layer: str) -> None:
    scaling = "Rescaling: {scale: [0.25, -2, 3]}"

    assert tags_after("fold_rescaling", "[5, 4, 3]", scaling, layer) == [tag(layer)]


def test_a_scaling_moves_through_layers_that_move_values() -> None:
    scaling = "Rescaling: {scale: [0.25, -2, 3], offset: [1, 2, -3]}"

    tags = tags_after(
        "fold_rescaling", "[5, 4, 3]", scaling, "Cropping2D", "Flatten", "Dense: {units: 2}"
    )

    assert tags == ["Cropping2D", "Flatten", "Dense"]


def test_a_scaling_moves_through_thousands_of_layers() -> None:
    between = ["Cropping1D: {cropping: 0}"] * 1_100
    dense = "Dense: {units: 1}"

    tags = tags_after("fold_rescaling", "[1, 2]", "Rescaling: {scale: 2}", *between, dense)

    assert tags == [*map(tag, between), "Dense"]


@pytest.mark.parametrize(("offset", "folded"), [(0, True), (1, False)])
def test_a_scaling_without_shift_moves_through_zeros(offset: int, folded: bool) -> None:
    layers = [f"Rescaling: {{scale: 3, offset: {offset}}}", "ZeroPadding2D"]

    tags = tags_after(
        "fold_rescaling", "[5, 4, 3]", *layers, "Conv2D: {filters: 2, kernel_size: 2}"
    )

    assert ("Rescaling" not in tags) == folded


def test_a_scaling_is_folded_into_all_readers() -> None:
    layers = [
        "Rescaling: {scale: 3, offset: 1, name: scaled}",
        "Dense: {units: 2, inputs: scaled, name: a}",
        "Dense: {units: 2, inputs: scaled, activation: relu, name: b}",
        "Add: {inputs: [a, b]}",
    ]

    assert tags_after("fold_rescaling", "[4]", *layers) == ["Dense", "Dense", "Add"]


def test_a_scaling_stays_where_one_reader_cannot_fold() -> None:
    layers = [
        "Rescaling: {scale: 3, offset: 1, name: scaled}",
        "Dense: {units: 4, name: a}",
        "Add: {inputs: [a, scaled]}",
    ]

    assert tags_after("fold_rescaling", "[4]", *layers) == ["Rescaling", "Dense", "Add"]


def test_a_scaling_that_is_an_output_stays() -> None:
    layers = ["Rescaling: {scale: 3, name: scaled}", "Dense: {units: 4, name: a}"]

    tags = tags_after("fold_rescaling", "[4]", *layers, "output: [scaled, a]")

    assert tags == ["Rescaling", "Dense"]


def test_consecutive_scalings_are_all_folded() -> None:
    layers = ["Rescaling: {scale: 3}", "Normalization: {mean: 1, variance: 2}", "Dense: {units: 4}"]

    assert tags_after("fold_rescaling", "[4]", *layers) == ["Dense"]


@pytest.mark.parametrize(
    "scaling",
    [
        "Normalization: {axis: 1, mean: [1, 2], variance: [2, 3]}",
        "Rescaling: {scale: 1, offset: 9}",
    ],
    ids=["along another axis", "of a shift that would cost digits"],
)
def test_a_scaling_stays(scaling: str) -> None:
    assert tags_after("fold_rescaling", "[2, 4]", scaling, "Dense: {units: 3}")[0] != "Dense"


def test_a_scaling_that_a_kernel_cannot_hold_stays() -> None:
    layers = ["Rescaling: {scale: 1.0e-30}", "Rescaling: {scale: 1.0e30}", "Dense: {units: 2}"]
    weights = {
        "dense.kernel": np.full((2, 2), 1e9, np.float32),
        "dense.bias": np.zeros(2, np.float32),
    }

    tags = tags_after("fold_rescaling", "[2]", *layers, weights=weights)

    assert tags == ["Rescaling", "Rescaling", "Dense"]


# What is not computed, or only once.


TRAINING_ALONE = [
    "Dropout: {rate: 0.5}",
    "SpatialDropout2D: {rate: 0.5}",
    "GaussianNoise: {stddev: 0.5}",
    "GaussianDropout: {rate: 0.5}",
    "RandomFlip",
    "RandomTranslation: {height_factor: 0.1, width_factor: 0.1}",
    "RandomRotation: {factor: 0.1}",
    "RandomZoom: {height_factor: 0.1}",
]


@pytest.mark.parametrize("layer", TRAINING_ALONE)
def test_a_layer_of_training_is_left_out(layer: str) -> None:
    tags = tags_after("drop_training_layers", "[5, 4, 3]", layer, layer, "Flatten")

    assert tags == ["Flatten"]


def test_an_output_layer_of_training_stays() -> None:
    tags = tags_after("drop_training_layers", "[4]", "Dropout: {rate: 0.5}", "Dropout: {rate: 0.5}")

    assert tags == ["Dropout"]


def twins(first: str, second: str, *more: str) -> list[str]:
    """Two branches of layers that read the input, and their sum."""
    return [
        f"Dense: {{units: 3, inputs: input, name: a, {first}}}",
        f"Dense: {{units: 3, inputs: input, name: b, {second}}}",
        "Activation: {activation: tanh, inputs: a, name: c}",
        "Activation: {activation: tanh, inputs: b, name: d}",
        *(more or ["Add: {inputs: [c, d]}"]),
    ]


def with_equal_weights(layers: list[str]) -> dict[str, Array]:
    weights = random_weights(network("[4]", *layers).graph)
    return {key: weights[key.replace("b.", "a.")] for key in weights}


def test_equal_layers_and_their_readers_are_shared() -> None:
    layers = twins("activation: relu", "activation: relu")

    tags = tags_after("common_subexpressions", "[4]", *layers, weights=with_equal_weights(layers))

    assert tags == ["Dense", "Activation", "Add"]


def test_other_initializers_do_not_prevent_sharing() -> None:
    layers = twins("kernel_initializer: zeros", "kernel_initializer: ones")

    tags = tags_after("common_subexpressions", "[4]", *layers, weights=with_equal_weights(layers))

    assert tags == ["Dense", "Activation", "Add"]


def test_layers_with_other_weights_are_not_shared() -> None:
    assert len(tags_after("common_subexpressions", "[4]", *twins("", ""))) == 5


def test_layers_with_other_fields_are_not_shared() -> None:
    layers = twins("activation: relu", "activation: elu")

    tags = tags_after("common_subexpressions", "[4]", *layers, weights=with_equal_weights(layers))

    assert len(tags) == 5


def test_outputs_of_equal_layers_keep_their_names() -> None:
    layers = twins("", "", "output: [c, d]")

    tags = tags_after("common_subexpressions", "[4]", *layers, weights=with_equal_weights(layers))

    assert tags == ["Dense", "Activation", "Activation"]


@pytest.mark.parametrize(
    ("shape", "layers"),
    [
        ("[5, 3]", ["ZeroPadding1D: {padding: [1, 2]}", "ZeroPadding1D"]),
        ("[5, 4, 3]", ["ZeroPadding2D: {padding: [[1, 2], [3, 0]]}", *["ZeroPadding2D"] * 2]),
        ("[2, 3, 4, 3]", ["ZeroPadding3D: {padding: [1, 2, 3]}", "ZeroPadding3D"]),
    ],
)
def test_zeros_around_zeros_are_one_layer(shape: str, layers: list[str]) -> None:
    assert tags_after("fold_padding", shape, *layers) == [tag(layers[0])]


@pytest.mark.parametrize("reader", ["Concatenate: {inputs: [p, q]}", "output: [p, q]"])
def test_zeros_with_other_readers_are_not_merged(reader: str) -> None:
    layers = ["ZeroPadding1D: {padding: 0, name: p}", "ZeroPadding1D: {padding: 0, name: q}"]

    assert tags_after("fold_padding", "[5, 3]", *layers, reader).count("ZeroPadding1D") == 2


# All passes together.


def test_a_remaining_batch_normalization_is_frozen() -> None:
    net = network("[4]", "Activation: {activation: relu}", "BatchNormalization")

    graph, _ = for_inference(net, random_weights(net.graph))

    assert [node.layer.trainable for node in graph.nodes] == [True, False]


@pytest.mark.parametrize(("axis", "height"), [(-1, 4), (1, 5), (2, 4)])
def test_unread_values_of_frozen_normalizations_are_cropped(axis: int, height: int) -> None:
    """The last pooling reads 4 of 5 rows, unless the rows are channels."""
    layers = [
        "Conv2D: {filters: 3, kernel_size: 3, padding: valid, activation: relu}",
        f"BatchNormalization: {{axis: {axis}, trainable: false}}",
        "MaxPooling2D: {pool_size: 2}",
    ]
    graph = network("[7, 8, 3]", *layers).graph
    weights = random_weights(graph)

    smaller = needed_extent(graph)

    assert smaller.by_name["batch_normalization"].shape[0] == height
    np.testing.assert_array_equal(
        run_all(smaller, weights, *inputs(graph))["max_pooling2d"],
        run_all(graph, weights, *inputs(graph))["max_pooling2d"],
    )


@pytest.mark.parametrize(("steps", "rows"), [(101, 101), (11, 10)])
def test_a_crop_must_save_more_than_it_costs(steps: int, rows: int) -> None:
    """The pooling does not read the last step: one of a hundred, or one of ten."""
    layers = ["Conv1D: {filters: 2, kernel_size: 1, name: conv}", "MaxPooling1D"]
    graph = network(f"[{steps}, 2]", *layers).graph

    assert needed_extent(graph).by_name["conv"].shape == (rows, 2)


def test_training_batch_normalization_needs_its_whole_input() -> None:
    layer = BatchNormalization()

    assert layer.reads(((0, 1), (0, 3)), ((4, 3),)) == (((0, 4), (0, 3)),)


@pytest.mark.parametrize("passes", [frozenset[str](), frozenset({"needed_extent"})])
def test_disabled_passes_change_nothing(
    passes: frozenset[str],
) -> None:
    net = replace(network("[4]", "Dense: {units: 3}", "BatchNormalization"), passes=passes)
    weights = random_weights(net.graph)

    assert for_inference(net, weights) == (net.graph, weights)


def test_a_network_is_folded_to_its_kernels() -> None:
    net = network(
        "[11, 12, 3]",
        "RandomFlip",
        "Rescaling: {scale: 0.25}",
        "ZeroPadding2D",
        "ZeroPadding2D",
        "Conv2D: {filters: 4, kernel_size: 3, use_bias: false}",
        "Dropout: {rate: 0.5}",
        "BatchNormalization",
        "ReLU",
        "MaxPooling2D",
        "Flatten",
        "BatchNormalization",
        "Dense: {units: 3, activation: softmax}",
    )
    weights = random_weights(net.graph)

    graph, new_weights = for_inference(net, weights)

    tags = [node.layer.tag for node in graph.nodes if node.layer.tag != "Cropping2D"]
    assert tags == ["ZeroPadding2D", "Conv2D", "MaxPooling2D", "ReLU", "Flatten", "Dense"]
    expected, actual = (
        run_all(version, values, *inputs(net.graph))["dense"]
        for version, values in ((net.graph, weights), (graph, new_weights))
    )
    np.testing.assert_allclose(actual, expected, 0, 1e-5)
