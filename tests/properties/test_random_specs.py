"""Random valid specs over the whole vocabulary: the backends agree with the graph and each other."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import chain
from math import prod
from typing import Any, TypeAlias

import numpy as np
import pytest
from hypothesis import assume, given, note
from hypothesis import strategies as st

from conformance.cases import ACTIVATIONS, Case
from conformance.networks import (
    BACKENDS,
    TRAINING,
    found,
    found_training,
    network,
    random_inputs,
    random_weights,
)
from interpreter import run_all
from netspec.data import Examples
from netspec.graph import Network
from netspec.layers import LAYERS, Shape
from netspec.layers.window import extent, windows
from netspec.weights import Array, Weights

Fields: TypeAlias = dict[str, Any]  # Any: the values of a layer's fields, as YAML has them
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]  # Any: hypothesis's own

# Keras warns of a softmax over one channel, which is always 1, and computes it.
pytestmark = pytest.mark.filterwarnings("ignore:You are using a softmax over axis")

LARGEST = 1e4
"""Values beyond this lose their digits in the next exponential."""

# Names that Python, PyTorch or a generated module have a use for, beside plain ones.
NAMES = st.sampled_from(
    [
        "type",
        "type_",
        "class",
        "class_",
        "forward",
        "forward_",
        "x",
        "self",
        "logits",
        "train",
        "T",
        "F",
        "nn",
        "torch",
        "weight",
        "inputs",
        "layers",
        "keras",
        "model",
        "step_1",
        "conv2d",
        "dense_1",
        "a",
        "B",
        "C9",
    ]
)


# Names of networks that a generated module could have a use for.
NETWORKS = st.sampled_from(
    [
        "tested",
        "adam",
        "Adam",
        "SGD",
        "f",
        "F",
        "nn",
        "none",
        "true_",
        "tensor",
        "weights",
        "WEIGHTS",
        "A_1",
    ]
)


def sizes(largest: int) -> st.SearchStrategy[int]:
    return st.integers(1, largest)


def pairs(rows: int, columns: int) -> st.SearchStrategy[tuple[int, int]]:
    return st.tuples(sizes(rows), sizes(columns))


def activations() -> st.SearchStrategy[Fields]:
    return st.sampled_from([{"activation": name} for name in ACTIVATIONS])


def window(draw: Draw, shape: Shape) -> tuple[tuple[int, int], str]:
    """The size and the padding of a window that fits."""
    padding = draw(st.sampled_from(["valid", "same"]))
    room = (4, 4) if padding == "same" else (min(4, shape[0]), min(4, shape[1]))
    return draw(pairs(*room)), padding


@st.composite
def convolutions(draw: Draw, shape: Shape) -> Fields:
    kernel, padding = window(draw, shape)
    rows, columns = draw(pairs(3, 3))
    # oneDNN's fault on CPUs with AVX-512; test_found.py holds it.
    faulty = shape[-1] == rows == windows(shape[1], kernel[1], columns, padding) == 1
    steps: Fields = {"strides": (rows, 1 if faulty else columns)}
    if draw(st.booleans()):
        dilation = draw(pairs(3, 3))
        spans = [extent(*axis) for axis in zip(kernel, dilation, strict=True)]
        if padding == "same" or (spans[0] <= shape[0] and spans[1] <= shape[1]):
            steps = {"dilation_rate": dilation}
    groups = draw(st.sampled_from([one for one in range(1, 5) if shape[-1] % one == 0]))
    return {
        "filters": groups * draw(sizes(2)),
        "kernel_size": kernel,
        "padding": padding,
        "groups": groups,
        "use_bias": draw(st.booleans()),
        **steps,
        **draw(activations()),
    }


@st.composite
def pools(draw: Draw, shape: Shape) -> Fields:
    size, padding = window(draw, shape)
    strides = draw(st.none() | pairs(3, 3))
    return {"pool_size": size, "padding": padding, "strides": strides}


@st.composite
def dropouts(draw: Draw, shape: Shape) -> Fields:
    rate = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    kept = st.tuples(*(st.sampled_from([None, 1, size]) for size in shape))
    return {"rate": rate, "noise_shape": draw(st.none() | kept)}


@st.composite
def normalizations(draw: Draw, shape: Shape) -> Fields:
    axes = [axis for axis in range(-len(shape), len(shape) + 1) if axis != 0]
    return {
        "axis": draw(st.sampled_from(axes)),
        "momentum": draw(st.sampled_from([0.0, 0.6, 0.99, 1.0])),
        "epsilon": draw(st.sampled_from([1e-3, 1e-2, 1.0])),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
    }


def denses(_shape: Shape) -> st.SearchStrategy[Fields]:
    fields = {
        "units": sizes(5),
        "use_bias": st.booleans(),
        "activation": st.sampled_from(ACTIVATIONS),
    }
    return st.fixed_dictionaries(fields)


FIELDS: dict[str, Callable[[Shape], st.SearchStrategy[Fields]]] = {
    "Conv2D": convolutions,
    "MaxPooling2D": pools,
    "AveragePooling2D": pools,
    "GlobalAveragePooling2D": lambda _: st.fixed_dictionaries({"keepdims": st.booleans()}),
    "Flatten": lambda _: st.just({}),
    "Dense": denses,
    "Dropout": dropouts,
    "BatchNormalization": normalizations,
    "Activation": lambda _: activations(),
}
"""The fields with which a layer fits behind a shape."""

WINDOWS = ["Conv2D", "Conv2D", "MaxPooling2D", "AveragePooling2D"]
ANYWHERE = ["BatchNormalization", "Dense", "Activation", "Dropout"]
ENDS = ["GlobalAveragePooling2D", "Flatten"]


def test_every_layer_of_the_vocabulary_is_drawn() -> None:
    assert FIELDS.keys() == LAYERS.keys() == {*WINDOWS, *ANYWHERE, *ENDS}


@st.composite
def orders(draw: Draw, *, image: bool) -> list[str]:
    """The classes of the layers: an image goes through windows before it may be taken apart."""
    anywhere = st.sampled_from(ANYWHERE)
    if not image:
        return draw(st.lists(anywhere | st.just("Flatten"), min_size=1, max_size=4))
    parts = draw(
        st.lists(st.tuples(st.sampled_from(WINDOWS), st.none() | anywhere), min_size=1, max_size=3)
    )
    end = draw(st.sampled_from([None, *ENDS]))
    tail = draw(st.lists(anywhere, max_size=2))
    return [tag for tag in (*chain.from_iterable(parts), end, *tail) if tag is not None]


@st.composite
def chains(draw: Draw) -> Case:
    """Up to nine layers, each of which fits behind the one before it."""
    image = draw(st.sampled_from([True, True, True, False]))
    images = st.tuples(sizes(7), sizes(7), sizes(4))
    others = st.tuples(sizes(4), sizes(6)) | st.tuples(sizes(8))
    start: Shape = draw(images if image else others)
    shape, layers, names = start, [], set()
    for tag in draw(orders(image=image)):
        fields = draw(FIELDS[tag](shape))
        name = draw(st.none() | NAMES)
        if name is not None and name not in names:
            fields = {**fields, "name": name}
            names.add(name)
        layers.append(f"{tag}: {json.dumps(fields)}")
        shape = network(shape, layers[-1:]).graph.output.shape
    return Case(start, tuple(layers))


def seeds() -> st.SearchStrategy[int]:
    return st.integers(0, 2**16)


@given(case=chains())
def test_every_shape_is_that_of_the_keras_model(case: Case) -> None:
    tested = network(case.shape, case.layers)

    model: Any = found_training("keras").model(tested, random_weights(tested.graph))

    for node in tested.graph.nodes:
        assert model.get_layer(node.name).output.shape[1:] == node.shape, node.name


@given(case=chains())
def test_the_parameters_are_those_of_both_frameworks(case: Case) -> None:
    graph = network(case.shape, case.layers).graph
    weights = random_weights(graph)
    keras: Any = found_training("keras").model(network(case.shape, case.layers), weights)
    torch: Any = found_training("torch").model(network(case.shape, case.layers), weights)

    trainable = sum(weight.size for _, weight in graph.weights() if weight.trainable)
    fixed = sum(weight.size for _, weight in graph.weights() if not weight.trainable)
    assert trainable + fixed == sum(node.parameters for node in graph.nodes)
    assert trainable == sum(prod(weight.shape) for weight in keras.trainable_weights)
    assert fixed == sum(prod(weight.shape) for weight in keras.non_trainable_weights)
    assert trainable == sum(weight.numel() for weight in torch.parameters())
    assert fixed == sum(weight.numel() for weight in torch.buffers())


def jolted(values: Array, seed: int) -> Array:
    """The values, each changed in its last digits: by up to a millionth of itself."""
    random = np.random.default_rng((seed, 2))
    return (values * (1 + 1e-6 * random.uniform(-1, 1, values.shape))).astype(np.float32)


def interpreted(tested: Network, weights: Weights, inputs: Array) -> tuple[Array, float]:
    """The outputs in float64, and the largest value on the way to them."""
    with np.errstate(all="ignore"):
        values = run_all(tested.graph, weights, inputs)
    largest = max(float(np.abs(value).max()) for value in values.values())
    return values[tested.graph.output.name], largest


@given(case=chains(), name=NETWORKS, seed=seeds())
def test_every_backend_gives_the_interpreters_values(case: Case, name: str, seed: int) -> None:
    tested = network(case.shape, case.layers, name=name)
    weights, inputs = random_weights(tested.graph, seed), random_inputs(tested.graph, 3, seed)
    expected, largest = interpreted(tested, weights, inputs)
    assume(largest < LARGEST)
    # What rounding alone may come to: a network can make a small difference large.
    others = {key: jolted(value, seed) for key, value in weights.items()}
    moved = np.abs(interpreted(tested, others, jolted(inputs, seed))[0] - expected).max()

    for backend in BACKENDS:
        outputs = found(backend).predictor(tested, weights, "cpu").predict(inputs)
        assert outputs.dtype == np.float32
        assert outputs.shape == (3, *tested.graph.output.shape)
        absolute = 1e-5 * np.abs(expected).max() + moved
        note(f"{backend}: {np.abs(outputs - expected).max()} of {absolute}")
        np.testing.assert_allclose(outputs, expected, 0, absolute, err_msg=backend)


def classifier(case: Case, name: str) -> Network:
    """The chain without random masks, behind a layer with weights and in front of a softmax."""
    layers = [
        layer for layer in case.layers if not layer.startswith("Dropout") or '"rate": 0.0' in layer
    ]
    before = f"Dense: {{units: {case.shape[-1]}, name: before}}"
    after = "Dense: {units: 3, activation: softmax, name: after}"
    return network(case.shape, [before, *layers, "Flatten", after], "sgd", name=name)


def stepped(name: str, tested: Network, weights: Weights, examples: Examples) -> dict[str, Array]:
    """The change of every weight in one step."""
    trainer = found_training(name).trainer(tested, weights, examples, "cpu")
    count = len(examples)
    list(trainer.epoch(np.arange(count), count, np.ones(1, np.float32), 0))
    after = trainer.weights()
    return {key: after[key] - value for key, value in weights.items()}


@given(case=chains(), name=NETWORKS, seed=seeds())
def test_a_step_of_training_is_the_same_everywhere(case: Case, name: str, seed: int) -> None:
    tested = classifier(case, name)
    weights, inputs = random_weights(tested.graph, seed), random_inputs(tested.graph, 4, seed)
    assume(interpreted(tested, weights, inputs)[1] < LARGEST)
    labels = np.array([0, 1, 2, 1], np.int32)
    others = {key: jolted(value, seed) for key, value in weights.items()}
    first, *rest = TRAINING
    expected = stepped(first, tested, weights, Examples(inputs, labels))

    for backend in rest:
        step = stepped(backend, tested, weights, Examples(inputs, labels))
        rounded = stepped(backend, tested, others, Examples(jolted(inputs, seed), labels))
        for key, value in expected.items():
            moved = np.abs(rounded[key] - step[key]).max()
            absolute = 1e-4 * np.abs(value).max() + 10 * moved + 1e-6
            np.testing.assert_allclose(step[key], value, 0, absolute, err_msg=key)
