"""Weights of keras.applications are converted to netspec's form and back, and predict the same.

The weights are random: nothing is downloaded. The images are smaller than usual, because the
weights do not depend on the size.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import keras_oracle  # noqa: F401 - it skips where Keras is not installed
from conformance.networks import BACKENDS, found
from keras_oracle import keras
from netspec import load as load_spec
from netspec.network import Network
from netspec.numerics.weights import Array, load, to_bytes

SPECS = Path(__file__).parents[2] / "specs"
SHAPE = (64, 64, 3)

Pairs = Iterator[tuple[str, str]]
"""A layer of keras.applications, and its node in the spec."""


def resnet50() -> Pairs:
    yield from (("conv1_conv", "conv2d"), ("conv1_bn", "batch_normalization"))
    yield "predictions", "dense"
    for stage, depth in enumerate((3, 4, 6, 3)):
        call = f"stage_{stage}" if stage else "stage"
        for block in range(depth):
            keras_name = f"conv{stage + 2}_block{block + 1}"
            node = f"{call}/{f'residual_{block - 1}' if block else 'projected'}"
            convolutions = {} if block else {0: "shortcut"}
            for number, name in enumerate(("convolution", "convolution_1", "convolution_2"), 1):
                convolutions[number] = f"bottleneck/{name}"
            for number, name in convolutions.items():
                yield f"{keras_name}_{number}_conv", f"{node}/{name}/conv2d"
                yield f"{keras_name}_{number}_bn", f"{node}/{name}/batch_normalization"


def mobilenet_v2() -> Pairs:
    yield from _convolution("Conv1", "bn_Conv1", "convolution")
    yield from _depthwise("expanded_conv", "depthwise")
    block = 1
    for stage, depth in enumerate((2, 3, 4, 3, 3, 1)):
        call = f"stage_{stage}" if stage else "stage"
        for index in range(depth):
            keras_name, node = f"block_{block}", f"{call}/residual_{index - 1}" if index else call
            yield from _convolution(
                f"{keras_name}_expand", f"{keras_name}_expand_BN", f"{node}/convolution"
            )
            yield from _depthwise(keras_name, f"{node}/depthwise")
            block += 1
    yield from _convolution("Conv_1", "Conv_1_bn", "convolution_1")
    yield "predictions", "dense"


def _convolution(convolution: str, normalization: str, node: str) -> Pairs:
    yield convolution, f"{node}/conv2d"
    yield normalization, f"{node}/normalized/batch_normalization"


def _depthwise(keras_name: str, node: str) -> Pairs:
    yield f"{keras_name}_depthwise", f"{node}/depthwise_conv2d"
    yield f"{keras_name}_depthwise_BN", f"{node}/normalized/batch_normalization"
    yield f"{keras_name}_project", f"{node}/conv2d"
    yield f"{keras_name}_project_BN", f"{node}/normalized_1/batch_normalization"


NETWORKS = {
    "resnet50": (resnet50, keras.applications.ResNet50),
    "mobilenet_v2": (mobilenet_v2, keras.applications.MobileNetV2),
}

NAMES = ["mobilenet_v2", pytest.param("resnet50", marks=pytest.mark.nightly)]


@cache
def network(name: str) -> Network:
    return load_spec(SPECS / f"{name}.yaml", {"input": list(SHAPE)})


@cache
def application(name: str) -> Any:  # Any: a Keras model
    """The network of keras.applications with random weights and random moving statistics."""
    keras.utils.set_random_seed(0)
    model = NETWORKS[name][1](weights=None, input_shape=SHAPE)
    random = np.random.default_rng(0)
    for variable in model.non_trainable_variables:
        if "moving" in variable.name:
            variable.assign(
                random.uniform(0.5, 1.5, variable.shape) - 0.5 * ("mean" in variable.name)
            )
    return model


@cache
def images() -> Array:
    return np.random.default_rng(1).normal(0, 1, (2, *SHAPE)).astype(np.float32)


def convert_weights(name: str) -> dict[str, Array]:
    """The weights of keras.applications, by netspec's keys."""
    keras_layers = {
        node_name: application(name).get_layer(layer) for layer, node_name in NETWORKS[name][0]()
    }
    return {
        f"{node.name}.{weight.name}": value
        for node in network(name).graph.nodes
        if node.weights
        for weight, value in zip(node.weights, keras_layers[node.name].get_weights(), strict=True)
    }


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("backend", BACKENDS)
def test_predictions_equal_keras_applications(backend: str, name: str, tmp_path: Path) -> None:
    tested = network(name)
    file = tmp_path / "weights.safetensors"
    file.write_bytes(to_bytes(tested.graph, convert_weights(name)))
    expected = application(name)(images(), training=False).numpy()

    outputs = found(backend).predictor(tested, load(file, tested.graph), "cpu").predict(images())

    np.testing.assert_allclose(outputs, expected, 1e-4, 1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_weights_go_back_to_the_bit(name: str) -> None:
    keys = convert_weights(name)
    other = NETWORKS[name][1](weights=None, input_shape=SHAPE)
    nodes = network(name).graph.by_name
    for layer, node_name in NETWORKS[name][0]():
        values = [keys[f"{node_name}.{weight.name}"] for weight in nodes[node_name].weights]
        other.get_layer(layer).set_weights(values)

    for value, expected in zip(other.get_weights(), application(name).get_weights(), strict=True):
        np.testing.assert_array_equal(value, expected)
