"""A spec becomes a graph: names, order, shapes, counts, and a hash of its meaning."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from netspec.graph import Graph, infer
from netspec.language.layers import Dense, Flatten, Layer, MaxPooling2D
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


def test_the_input_of_every_node_is_the_node_before() -> None:
    graph = load(SPECS / "mnist_cnn.yaml").graph
    before = [INPUT, *(node.name for node in graph.nodes)]

    assert [node.inputs for node in graph.nodes] == [(name,) for name in before[:-1]]


def test_the_input_shape_of_every_node_is_the_shape_before() -> None:
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


def test_automatic_names_count_from_the_second_of_a_kind() -> None:
    assert names([Dense(units=2), Flatten(), Dense(units=2), Dense(units=2)]) == [
        "dense",
        "flatten",
        "dense_1",
        "dense_2",
    ]


def test_an_own_name_is_kept_and_does_not_count() -> None:
    assert names([Dense(units=2, name="head"), Dense(units=2)]) == ["head", "dense"]


def test_an_automatic_name_passes_over_an_own_name() -> None:
    layers = [Dense(units=2), Dense(units=2), Dense(units=2, name="dense_1"), Dense(units=2)]

    assert names(layers) == ["dense", "dense_2", "dense_1", "dense_3"]


def test_inference_stops_at_the_first_layer_that_cannot_be() -> None:
    layers = [Flatten(), MaxPooling2D(), Dense(units=2)]

    graph, faults = infer("example", (4, 4, 1), layers)

    assert [node.name for node in graph.nodes] == ["flatten"]
    assert [fault.location for fault in faults] == [("layers", 1, "MaxPooling2D")]


BASE = """\
netspec: 1
name: example
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3}
  - Flatten
  - Dense: {units: 10, activation: softmax}
"""


def changed(*change: str) -> Graph:
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
    assert changed(*change).hash != loads(BASE).graph.hash


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
def test_the_hash_does_not_change_with_what_trained_weights_do_not_depend_on(
    change: tuple[str, str],
) -> None:
    assert changed(*change).hash == loads(BASE).graph.hash


def test_the_hash_is_a_sha256() -> None:
    digest = loads(BASE).graph.hash

    assert len(bytes.fromhex(digest)) == 32


def names(layers: list[Any]) -> list[str]:
    typed: list[Layer] = layers
    graph, faults = infer("example", (4,), typed)
    assert not faults
    return [node.name for node in graph.nodes]
