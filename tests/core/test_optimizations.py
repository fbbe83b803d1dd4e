"""Every optimization keeps the values, and changes a graph only where that saves work."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netspec.graph import Graph, infer
from netspec.graph.verify import verify
from netspec.language.layers import Activation, Conv2D, Dense, Flatten, Layer, MaxPooling2D
from netspec.language.layers.activations import ALONG_CHANNELS, FORMULAS, NEVER_FALLING
from netspec.language.layers.convolution import (
    Conv1D,
    Conv2DTranspose,
    DepthwiseConv2D,
    SeparableConv2D,
)
from netspec.language.layers.core import ELU, LeakyReLU, PReLU, ReLU, Softmax
from netspec.language.layers.merging import Add, Concatenate, Multiply
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    GlobalMaxPooling2D,
    MaxPooling1D,
    WindowPooling,
)
from netspec.language.layers.preprocessing import Rescaling
from netspec.language.layers.regularization import Dropout, SpatialDropout2D
from netspec.language.layers.shaping import Cropping2D, ZeroPadding2D
from netspec.network import Network, load
from netspec.numerics.initial import initial
from netspec.passes import NAMES, OPTIMIZATIONS, chosen, run_passes, switched_on
from netspec.passes.extent import needed_extent
from netspec.passes.pooling import activation_after_pooling
from netspec.text.diagnostics import NetspecError
from netspec_numpy.interpreter import run_all

FUNCTIONS = {"activation_after_pooling": activation_after_pooling, "needed_extent": needed_extent}

SHAPE = (13, 11, 2)
CONV = Conv2D(filters=2, kernel_size=(3, 3), activation="relu")
POOL = MaxPooling2D()
LAYERS: list[Layer] = [
    CONV,
    Conv2D(filters=2, kernel_size=(2, 3), strides=(2, 1)),
    Conv2D(filters=2, kernel_size=(1, 1), strides=(2, 2), padding="same"),
    Conv2D(filters=2, kernel_size=(3, 3), padding="same", activation="sigmoid"),
    Conv2D(filters=2, kernel_size=(2, 2), dilation_rate=(2, 1), activation="gelu"),
    DepthwiseConv2D(kernel_size=(2, 2), activation="tanh"),
    SeparableConv2D(filters=2, kernel_size=(2, 2)),
    Conv2DTranspose(filters=2, kernel_size=(2, 2)),
    POOL,
    MaxPooling2D(pool_size=(2, 3), strides=(1, 2)),
    MaxPooling2D(pool_size=(3, 3), strides=(2, 2), padding="same"),
    AveragePooling2D(),
    BatchNormalization(),
    Dense(units=2, activation="elu"),
    Rescaling(scale=(2.0,)),
    SpatialDropout2D(rate=0.5),
    Dropout(rate=0.5),
    Activation(activation="softmax"),
    ReLU(max_value=1.0, negative_slope=0.1),
    LeakyReLU(),
    PReLU(),
    Cropping2D(cropping=((1, 0), (0, 1))),
    ZeroPadding2D(padding=((0, 1), (1, 0))),
]
JOINS: list[Layer] = [Add(), Multiply(), Concatenate()]
ENDINGS: list[Layer] = [Flatten(), GlobalMaxPooling2D(), GlobalAveragePooling2D(), POOL]


@st.composite
def graphs(draw: st.DrawFn) -> Graph:
    """Chains whose layers may also read earlier layers, where the shapes fit."""
    layers: list[Layer] = []
    shapes, names = [SHAPE], ["input"]
    for index in range(draw(st.integers(2, 8))):
        layer = draw(st.sampled_from(LAYERS))
        read = draw(st.sampled_from([-1, -1, -1, -2])) if index else -1
        pairs = [name for name, shape in zip(names, shapes, strict=True) if shape == shapes[-1]]
        if len(pairs) > 1 and draw(st.booleans()):
            layer, inputs = draw(st.sampled_from(JOINS)), tuple(pairs[-2:])
        else:
            inputs = (names[read],)
        layer = layer.model_copy(update={"name": f"layer_{index}", "inputs": inputs})
        graph, faults = infer("example", SHAPE, [*layers, layer])
        if faults:
            continue
        layers.append(layer)
        names.append(f"layer_{index}")
        shapes.append(graph.nodes[-1].shape)
    end = draw(st.sampled_from(ENDINGS)).model_copy(update={"name": "end", "inputs": (names[-1],)})
    graph, faults = infer("example", SHAPE, [*layers, end])
    if faults:
        graph, faults = infer("example", SHAPE, [*layers, Flatten(name="end", inputs=(names[-1],))])
    assert not faults
    return graph


def make_graph(*layers: Layer, shape: tuple[int, ...] = SHAPE) -> Graph:
    graph, faults = infer("example", shape, layers)
    assert not faults
    return graph


def shapes(graph: Graph) -> dict[str, tuple[int, ...]]:
    return {node.name: node.shape for node in graph.nodes}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(graph=graphs())
@settings(deadline=None, max_examples=150)
def test_an_optimization_keeps_the_values(name: str, graph: Graph) -> None:
    weights = initial(graph, 0)
    inputs = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    new_graph = FUNCTIONS[name](graph)

    actual, expected = (run_all(version, weights, inputs)["end"] for version in (new_graph, graph))

    np.testing.assert_allclose(actual, expected, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("name", FUNCTIONS)
@given(graph=graphs())
@settings(deadline=None)
def test_an_optimization_keeps_weights_and_never_costs(name: str, graph: Graph) -> None:
    new_graph = FUNCTIONS[name](graph)

    assert dict(new_graph.weights()) == dict(graph.weights())
    cost, before = (
        sum(node.multiply_adds for node in version.nodes) for version in (new_graph, graph)
    )
    assert cost <= before


@pytest.mark.parametrize("name", FUNCTIONS)
@given(graph=graphs())
@settings(deadline=None)
def test_an_optimized_graph_is_valid(name: str, graph: Graph) -> None:
    verify(FUNCTIONS[name](graph))


def test_the_tutorial_computes_only_values_that_pooling_reads() -> None:
    graph = load("specs/mnist_cnn.yaml").graph

    new_shapes = shapes(needed_extent(graph))

    assert new_shapes["input.needed"] == (26, 26, 1)
    assert new_shapes["conv2d"] == (24, 24, 32)
    assert new_shapes["max_pooling2d"] == (12, 12, 32)
    assert new_shapes["conv2d_1"] == (10, 10, 64)
    assert new_shapes["max_pooling2d_1"] == (5, 5, 64)
    # 24 of 26 squared times 288, and 10 of 11 squared times 18,432
    difference = (26**2 - 24**2) * 9 * 32 + (11**2 - 10**2) * 9 * 32 * 64
    before, after = (
        sum(node.multiply_adds for node in version.nodes)
        for version in (graph, needed_extent(graph))
    )
    assert before - after == difference


def test_cropped_values_are_not_computed() -> None:
    graph = make_graph(
        Conv2D(filters=2, kernel_size=(3, 3)), Cropping2D(cropping=((2, 1), (0, 3))), CONV
    )

    new_graph = needed_extent(graph)

    assert shapes(new_graph) == {
        "input.needed": (10, 8, 2),
        "conv2d": (8, 6, 2),
        "conv2d_1": (6, 4, 2),
    }


def test_a_causal_sequence_is_cropped_at_its_end() -> None:
    causal = Conv1D(filters=2, kernel_size=(3,), padding="causal")

    new_graph = needed_extent(make_graph(causal, MaxPooling1D(pool_size=(4,)), shape=(11, 2)))

    assert shapes(new_graph) == {
        "input.needed": (8, 2),
        "conv1d": (8, 2),
        "max_pooling1d": (2, 2),
    }


@pytest.mark.parametrize(("positions", "pays"), [(49, True), (51, False)])
def test_crops_pay_from_two_percent_of_the_multiplications(positions: int, pays: bool) -> None:
    """A pooling of two does not read the last of 49 or 51 positions."""
    graph = make_graph(
        Conv1D(filters=2, kernel_size=(3,)), MaxPooling1D(), shape=(positions + 2, 2)
    )

    assert (needed_extent(graph) != graph) == pays


def test_two_readers_share_the_larger_needed_extent() -> None:
    graph, faults = infer(
        "example",
        (9, 9, 1),
        [
            Conv2D(filters=2, kernel_size=(2, 2), name="both"),
            Conv2D(filters=2, kernel_size=(2, 2), name="first"),
            MaxPooling2D(pool_size=(4, 4), inputs=("first",), name="coarse"),
            MaxPooling2D(pool_size=(3, 3), inputs=("both",), name="fine"),
            Flatten(inputs=("coarse",), name="left"),
            Flatten(inputs=("fine",), name="right"),
            Concatenate(inputs=("left", "right")),
        ],
    )
    assert not faults

    new_shapes = shapes(needed_extent(graph))

    assert new_shapes["both"] == (6, 6, 2)
    assert new_shapes["both.needed"] == (5, 5, 2)
    assert new_shapes["first"] == (4, 4, 2)
    assert new_shapes["fine"] == (2, 2, 2)


@pytest.mark.parametrize(
    "layers",
    [
        [CONV, BatchNormalization(), POOL],  # its moments are of all positions
        [CONV, Dropout(rate=0.5), POOL],  # its mask would differ
        [Conv2D(filters=2, kernel_size=(3, 3), padding="same"), POOL],
        [Conv2DTranspose(filters=2, kernel_size=(3, 3), strides=(2, 2)), POOL],
        [CONV, PReLU(), POOL],  # it has a slope for every position
        [CONV, GlobalAveragePooling2D()],
        [CONV, Flatten(), Dense(units=2)],
        [ReLU(), POOL],  # cropping a view saves no multiplication
    ],
    ids=lambda layers: "-".join(layer.tag for layer in layers),
)
def test_layers_that_read_everything_are_not_cropped(layers: list[Layer]) -> None:
    graph = make_graph(*layers, shape=(13, 13, 2))

    assert needed_extent(graph) == graph


@pytest.mark.parametrize("pooling", [POOL, GlobalMaxPooling2D()], ids=lambda layer: layer.tag)
@pytest.mark.parametrize("name", sorted(NEVER_FALLING))
def test_a_monotonic_activation_moves_after_pooling(name: str, pooling: Layer) -> None:
    conv = Conv2D(filters=2, kernel_size=(3, 3), activation=name)

    new_graph = activation_after_pooling(make_graph(conv, pooling, Flatten()))

    *_, pooling_node, activation_node, flat = new_graph.nodes
    assert (pooling_node.layer, activation_node.layer) == (pooling, Activation(activation=name))
    assert (activation_node.inputs, flat.inputs) == ((pooling_node.name,), ("conv2d.activation",))


@pytest.mark.parametrize("name", sorted({*FORMULAS} - NEVER_FALLING - ALONG_CHANNELS - {"linear"}))
def test_an_activation_that_is_not_monotonic_stays(name: str) -> None:
    graph = make_graph(Conv2D(filters=2, kernel_size=(3, 3), activation=name), POOL, Flatten())

    assert activation_after_pooling(graph) == graph


@pytest.mark.parametrize("name", sorted({*FORMULAS} - ALONG_CHANNELS))
def test_the_list_of_monotonic_activations_is_right(name: str) -> None:
    graph = make_graph(Activation(activation=name), shape=(20_001,))
    x = np.linspace(-10, 10, 20_001, dtype=np.float32)[None]

    falls = np.diff(run_all(graph, {}, x)["activation"]).min() < -1e-12

    assert falls == (name not in NEVER_FALLING | {"linear"})


@pytest.mark.parametrize(
    "layer", [ReLU(threshold=0.5), LeakyReLU(), ELU(), Activation(activation="tanh")], ids=str
)
def test_a_separate_activation_moves_with_its_name(layer: Layer) -> None:
    new_graph = activation_after_pooling(make_graph(layer, POOL, POOL, Flatten()))

    name = make_graph(layer).nodes[0].name
    assert [node.name for node in new_graph.nodes] == [
        "max_pooling2d",
        "max_pooling2d_1",
        name,
        "flatten",
    ]


@pytest.mark.parametrize(
    "layers",
    [
        [ELU(alpha=-1.0), POOL, Flatten()],
        [PReLU(), POOL, Flatten()],
        [Softmax(), POOL, Flatten()],
        [CONV, AveragePooling2D(), Flatten()],
        [CONV, POOL],  # the pooling is the output
        [
            CONV,
            MaxPooling2D(name="a"),
            Flatten(inputs=("conv2d",), name="b"),
            Flatten(inputs=("a",), name="c"),
            Concatenate(inputs=("b", "c")),
        ],
    ],
    ids=lambda layers: "-".join(layer.tag for layer in layers),
)
def test_an_activation_stays_where_values_would_change(layers: list[Layer]) -> None:
    graph = make_graph(*layers)

    assert activation_after_pooling(graph) == graph


def network(passes: frozenset[str] | None) -> Network:
    return Network(*_spec_and_graph(), passes=passes)


def _spec_and_graph():
    tutorial = load("specs/mnist_cnn.yaml")
    return tutorial.spec, tutorial.graph, tutorial.folder


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("all", [*NAMES]),
        ("none", []),
        ("needed_extent", ["needed_extent"]),
        ("needed_extent,activation_after_pooling", ["activation_after_pooling", "needed_extent"]),
        ("-needed_extent", [name for name in NAMES if name != "needed_extent"]),
    ],
)
def test_passes_are_chosen_by_name(text: str, names: list[str]) -> None:
    assert [*switched_on(network(chosen(text)))] == names


@pytest.mark.parametrize("text", ["neded_extent", "", "-none", "all,", "needed_extent,-x"])
def test_an_unknown_pass_is_an_error(text: str) -> None:
    with pytest.raises(NetspecError):
        chosen(text)


def test_without_passes_the_graph_is_the_authors() -> None:
    plain = network(frozenset())

    assert run_passes(OPTIMIZATIONS, plain, {}) == (plain.graph, {})


def test_pooling_reads_the_extent_of_its_windows() -> None:
    pooling: WindowPooling = MaxPooling2D(pool_size=(2, 3), strides=(2, 1))

    assert pooling.reads(((1, 3), (2, 4), (0, 5)), ((9, 9, 5),)) == (((2, 6), (2, 6), (0, 5)),)
