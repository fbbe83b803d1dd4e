"""A spec becomes a graph: names, order, shapes, counts, and a hash of its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netspec.graph import Graph, Input, Node, infer
from netspec.graph.inference import unread
from netspec.language.layers import Conv2D, Dense, Flatten, Layer, MaxPooling2D
from netspec.language.layers.constraints import MaxNorm
from netspec.language.layers.initializers import Identity, Orthogonal
from netspec.language.layers.recurrent import LSTM
from netspec.language.spec import INPUT
from netspec.network import load, loads

SPECS = Path(__file__).parents[2] / "specs"

# The table of the TensorFlow tutorial "Convolutional Neural Network (CNN)".
TUTORIAL = [
    ("Conv2D", (26, 26, 32), 320),
    ("MaxPooling2D", (13, 13, 32), 0),
    ("Conv2D", (11, 11, 64), 18_496),
    ("MaxPooling2D", (5, 5, 64), 0),
    ("Conv2D", (3, 3, 64), 36_928),
    ("Flatten", (576,), 0),
    ("Dense", (64,), 36_928),
    ("Dense", (10,), 650),
]


def test_the_tutorial_has_the_tutorials_table() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph

    assert [(node.layer.tag, node.shape, node.parameters) for node in graph.nodes] == TUTORIAL


def test_the_tutorial_has_93322_parameters() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph

    assert sum(weight.size for _, weight in graph.weights()) == 93_322


def test_multiply_adds_follow_the_formula() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph

    # outputs of the layer times the inputs that each of them sums over
    assert [node.multiply_adds for node in graph.nodes] == [
        26 * 26 * 32 * (3 * 3 * 1),
        0,
        11 * 11 * 64 * (3 * 3 * 32),
        0,
        3 * 3 * 64 * (3 * 3 * 64),
        0,
        64 * 576,
        10 * 64,
    ]


@pytest.mark.parametrize("path", sorted(SPECS.glob("*.yaml")), ids=lambda path: path.stem)
def test_a_spec_of_the_project_is_a_network(path: Path) -> None:
    network = load(path)

    assert network.graph.name == network.spec.name == path.stem
    assert network.folder == SPECS


def test_every_node_reads_the_node_before() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph
    before = [INPUT, *(node.name for node in graph.nodes)]

    assert [node.inputs for node in graph.nodes] == [(name,) for name in before[:-1]]


def test_every_input_shape_is_the_shape_before() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph
    before = [graph.input_shape, *(node.shape for node in graph.nodes)]

    assert [node.input_shape for node in graph.nodes] == before[:-1]


def test_the_output_is_the_last_node() -> None:
    assert load(SPECS / "mnist_cnn.yaml").graph.output.name == "dense_1"


def test_a_weight_is_named_after_its_node() -> None:
    graph, _ = infer("example", (4,), [Dense(units=2, name="first"), Dense(units=2)])

    assert [key for key, _ in graph.weights()] == [
        "first.kernel",
        "first.bias",
        "dense.kernel",
        "dense.bias",
    ]


def test_automatic_names_count_from_the_second_layer() -> None:
    assert names([Dense(units=2), Flatten(), Dense(units=2), Dense(units=2)]) == [
        "dense",
        "flatten",
        "dense_1",
        "dense_2",
    ]


def test_a_written_name_is_kept_and_uncounted() -> None:
    assert names([Dense(units=2, name="head"), Dense(units=2)]) == ["head", "dense"]


def test_an_automatic_name_skips_a_written_name() -> None:
    layers = [Dense(units=2), Dense(units=2), Dense(units=2, name="dense_1"), Dense(units=2)]

    assert names(layers) == ["dense", "dense_2", "dense_1", "dense_3"]


def test_inference_stops_at_the_first_error() -> None:
    layers = [Flatten(), MaxPooling2D(), Dense(units=2)]

    graph, faults = infer("example", (4, 4, 1), layers)

    assert [node.name for node in graph.nodes] == ["flatten"]
    assert [fault.location for fault in faults] == [("layers", 1, "MaxPooling2D")]


# Limits. The limit itself is accepted.


@pytest.mark.parametrize(("height", "refused"), [(100_000, False), (100_001, True)])
def test_the_size_of_a_tensor_is_limited(height: int, refused: bool) -> None:
    _, faults = infer("example", (height, 100_000), [Flatten()])

    assert bool(faults) is refused


def test_the_number_of_parameters_is_limited() -> None:
    largest = Dense(units=100_000)  # 100,000 x 99,999 and 100,000 biases
    graph, faults = infer("example", (99_999,), [largest, Flatten(), Dense(units=1)])

    assert [node.name for node in graph.nodes] == ["dense", "flatten"]
    (fault,) = faults
    assert fault.location == ("layers", 2, "Dense")
    assert "the 100,001 weights of dense_1" in fault.message
    assert "10,000,100,001" in fault.message


@pytest.mark.parametrize(
    ("layer", "shape", "field"),
    [
        (Dense(units=2, kernel_initializer=Identity()), (4,), None),
        (Dense(units=2, bias_initializer=Identity()), (4,), "bias_initializer"),
        (Conv2D(filters=2, kernel_size=1, kernel_initializer=Identity()), (4, 4, 1),
         "kernel_initializer"),
        (Dense(units=2, kernel_initializer=Orthogonal()), (4,), None),
        (Conv2D(filters=2, kernel_size=1, kernel_initializer=Orthogonal()), (4, 4, 1), None),
        (Dense(units=2, bias_initializer=Orthogonal()), (4,), "bias_initializer"),
        (LSTM(units=2), (4, 3), None),
        (LSTM(units=2, bias_initializer=Orthogonal()), (4, 3), "bias_initializer"),
        (Dense(units=2, kernel_constraint=MaxNorm(axis=(0, 1))), (4,), None),
        (Dense(units=2, kernel_constraint=MaxNorm(axis=(2, 0))), (4,), "kernel_constraint"),
        (Dense(units=2, bias_constraint=MaxNorm()), (4,), None),
        (Dense(units=2, bias_constraint=MaxNorm(axis=(1,))), (4,), "bias_constraint"),
    ],
    ids=str,
)  # fmt: skip
def test_initializers_and_constraints_fit_a_weights_rank(
    layer: Layer, shape: tuple[int, ...], field: str | None
) -> None:
    _, faults = infer("example", shape, [layer])

    assert [fault.location[3] for fault in faults] == ([field] if field else [])


def test_layers_before_an_unread_layer_are_unread() -> None:
    first, second = Dense(units=2, name="first"), Dense(units=2, name="second")
    last = Dense(units=2, name="last", inputs=(INPUT,))
    graph, faults = infer("example", (4,), [first, second, last])

    assert not faults
    assert [fault.location for fault in unread(graph)] == [
        ("layers", 0, "Dense"),
        ("layers", 1, "Dense"),
    ]


# Properties of a node and of a graph.


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((3, 8, 9), True),
        ((4, 9, 8), True),
        ((1, 8, 8), True),
        ((1, 8, 9), False),
        ((2, 8, 8), False),
        ((5, 8, 8), False),
        ((3, 7, 8), False),
        ((3, 8, 7), False),
        ((8, 8, 3), False),
        ((3, 8), False),
        ((3, 8, 8, 8), False),
    ],
)
def test_channels_first_is_a_shape_of_few_channels(shape: tuple[int, ...], expected: bool) -> None:
    assert Input("input", shape).channels_first is expected


def test_the_layout_decides_where_an_axis_is() -> None:
    channels_last = Node("a", Flatten(), (INPUT,), ((4, 5, 6),), (4, 5, 6))
    channels_first = Node("a", Flatten(), (INPUT,), ((4, 5, 6),), (4, 5, 6), "channels_first")

    assert [channels_last.dimension(index) for index in range(3)] == [1, 2, 3]
    assert [channels_first.dimension(index) for index in range(3)] == [2, 3, 1]


def test_a_frozen_layer_has_no_trainable_weights() -> None:
    layers = [Dense(units=2), Dense(units=2, trainable=False)]
    graph, _ = infer("example", (4,), layers)

    assert [weight.trainable for _, weight in graph.weights()] == [True, True, False, False]


ENDS = """\
netspec: 1
name: example
input: [4, 2]
layers:
  - Dense: {name: first, units: 3, activation: tanh}
  - Flatten
  - Dense: {name: linear, units: 3}
  - LAST
"""
SOFTMAX = "Softmax: {name: last}"
END = [
    ("Softmax: {name: last}", "softmax", False, False),
    ("Softmax: {name: last, inputs: first, axis: 1}", "linear", False, False),
    ("Softmax: {name: last, inputs: first, axis: 2}", "softmax", False, False),
    ("Activation: {name: last, activation: sigmoid}", "sigmoid", True, False),
    ("Dense: {name: last, units: 3, activation: softmax}", "softmax", True, True),
    ("Dense: {name: last, units: 3}", "linear", False, True),
    ("Dropout: {name: last, rate: 0.5}", "linear", False, False),
    ("LSTM: {name: last, inputs: first, units: 3, activation: sigmoid}", "linear", True, True),
]


@pytest.mark.parametrize(("last", "activation", "activation_field", "units_field"), END)
def test_an_end_has_the_activation_of_its_layer(
    last: str, activation: str, activation_field: bool, units_field: bool
) -> None:
    text = ENDS.replace("LAST", last) + "output: [linear, last]\n"

    linear, end = loads(text).ends

    assert (linear.name, linear.subject, linear.activation) == ("linear", "linear", "linear")
    assert linear.read is ("inputs" not in last)
    assert (end.name, end.subject, end.read) == ("last", "last", False)
    assert (end.activation, end.activation_field) == (activation, activation_field)
    assert end.units_field is units_field
    assert end.location == ("layers", 3, last.partition(":")[0])


def test_the_end_of_one_output_is_the_network() -> None:
    (end,) = load(SPECS / "mnist_cnn.yaml").ends

    assert (end.subject, end.shape, end.read) == ("the network", (10,), False)


BASE = """\
netspec: 1
name: example
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3}
  - Flatten
  - Dense: {units: 10, activation: softmax}
"""


def load_changed(*change: str) -> Graph:
    assert BASE.count(change[0]) == 1
    return loads(BASE.replace(*change)).graph


@pytest.mark.parametrize(
    "change",
    [
        ("[8, 8, 1]", "[8, 8, 2]"),
        ("filters: 4", "filters: 5"),
        ("kernel_size: 3", "kernel_size: [3, 2]"),
        ("kernel_size: 3", "kernel_size: 3, padding: same"),
        ("kernel_size: 3", "kernel_size: 3, activation: relu"),
        ("kernel_size: 3", "kernel_size: 3, use_bias: false"),
        ("kernel_size: 3", "kernel_size: 3, name: first"),
        ("softmax", "sigmoid"),
        ("  - Flatten\n", "  - MaxPooling2D\n  - Flatten\n"),
        ("  - Flatten\n", "  - Dropout: {rate: 0.5}\n  - Flatten\n"),
    ],
    ids=lambda change: change[1].strip(),
)
def test_the_hash_changes_with_the_meaning(change: tuple[str, str]) -> None:
    assert load_changed(*change).hash != loads(BASE).graph.hash


@pytest.mark.parametrize(
    "change",
    [
        ("name: example", "name: another"),
        ("name: example", "name: example\ndescription: A small network."),
        ("kernel_size: 3", "kernel_size: [3, 3]"),
        ("kernel_size: 3", "kernel_size: 3, padding: valid"),
        ("kernel_size: 3", "kernel_size: 3, name: conv2d"),
        ("kernel_size: 3", "kernel_size: 3, kernel_initializer: he_normal"),
        ("units: 10", "units: 10, bias_initializer: {constant: {value: 0.1}}"),
        ("  - Flatten\n", "  - Flatten:\n"),
        ("layers:", "data: {dataset: digits}\nlayers:"),
        ("layers:", "train: {loss: sparse_categorical_crossentropy, epochs: 9}\nlayers:"),
    ],
    ids=lambda change: change[1].strip(),
)
def test_the_hash_ignores_initializers_and_training(
    change: tuple[str, str],
) -> None:
    assert load_changed(*change).hash == loads(BASE).graph.hash


def test_the_hash_is_a_sha256() -> None:
    digest = loads(BASE).graph.hash

    assert len(bytes.fromhex(digest)) == 32


def names(layers: list[Any]) -> list[str]:
    typed: list[Layer] = layers
    graph, faults = infer("example", (4,), typed)
    assert not faults
    return [node.name for node in graph.nodes]


def test_the_hash_of_a_graph_stays_the_same() -> None:
    """Weights files contain the hash. Another hash would make all of them unreadable."""
    expected = "4081c38dc3052497edb3c47ce34a92bc97f69acbfe597788395fd398bb252ecd"
    assert load(SPECS / "mnist_cnn.yaml").graph.hash == expected
