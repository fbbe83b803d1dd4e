"""The ONNX file of a network: its values, its names, its metadata, and what it refuses."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from math import erf, sqrt
from pathlib import Path
from typing import Any, TypeAlias, get_args

import numpy as np
import pytest
from numpy.typing import NDArray

from netspec_numpy.interpreter import run

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnx
from onnx import TensorProto, defs, numpy_helper
from onnx.reference import ReferenceEvaluator

from netspec.backend import ExportingBackend, find_exporting
from netspec.language import spec
from netspec.language.layers.activations import ActivationName
from netspec.network import Network, load, loads
from netspec.numerics.initial import initial
from netspec.text.diagnostics import BackendError, WeightsError
from netspec_onnx.lower.core import COMPOSED, OPERATORS
from onnx_backend.opsets import newest_opset

BACKEND = find_exporting("onnx")

SPECS = Path(__file__).parents[2] / "specs"
NEWEST = defs.onnx_opset_version()
OPSETS = (18, 20, newest_opset())
PLAIN: frozenset[str] = frozenset()  # no passes at all

Array: TypeAlias = NDArray[np.float32]
Values: TypeAlias = NDArray[np.float64]
Shape: TypeAlias = tuple[int, ...]


def network(shape: Shape, *layers: str) -> Network:
    lines = "\n".join(layer if layer.startswith("output:") else f"  - {layer}" for layer in layers)
    return loads(f"netspec: 1\nname: tested\ninput: {list(shape)}\nlayers:\n{lines}\n")


def random(*shape: int, seed: int = 0) -> Array:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def random_weights(net: Network) -> dict[str, Array]:
    """Values between 0.1 and 1.1, which a variance can have too."""
    draw = np.random.default_rng(1).random
    return {
        key: draw(weight.shape, np.float32) + np.float32(0.1) for key, weight in net.graph.weights()
    }


def predicted(
    net: Network, weights: Mapping[str, Array], x: Array, opset: int | None = None
) -> Array:
    return BACKEND.open(BACKEND.export(net, weights, opset=opset), "cpu").predict(x)


def model(net: Network, **arguments: Any) -> onnx.ModelProto:
    return onnx.load_from_string(BACKEND.export(net, initial(net.graph, 0), **arguments))


def refused(net: Network, weights: Mapping[str, Array], **arguments: Any) -> BackendError:
    with pytest.raises(BackendError) as caught:
        BACKEND.export(net, weights, **arguments)
    return caught.value


def sigmoid(x: Values) -> Values:
    return 1 / (1 + np.exp(-x))


def softplus(x: Values) -> Values:
    return np.log1p(np.exp(x))


def softmax(x: Values) -> Values:
    return np.exp(x) / np.exp(x).sum(axis=-1, keepdims=True)


def sparsemax(x: Values) -> Values:
    """As keras/src/backend/tensorflow/nn.py has it."""
    ordered = -np.sort(-x, axis=-1)
    sums = ordered.cumsum(axis=-1)
    support = ordered - (sums - 1) / np.arange(1, x.shape[-1] + 1) > 0
    safe = np.where(support, sums, 0)
    tau = (safe.sum(axis=-1, keepdims=True) - 1) / support.sum(axis=-1, keepdims=True)
    return np.maximum(x - tau, 0)


# Keras's definitions (keras/src/activations/activations.py, 3.15).
ACTIVATIONS: dict[ActivationName, Callable[[Values], Values]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x < 0, 0.2 * x, x),
    "elu": lambda x: np.where(x < 0, np.expm1(x), x),
    "selu": lambda x: 1.05070098 * np.where(x < 0, 1.67326324 * np.expm1(x), x),
    "gelu": lambda x: x * (1 + np.vectorize(erf)(x / sqrt(2))) / 2,
    "silu": lambda x: x * sigmoid(x),
    "softplus": softplus,
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": sigmoid,
    "hard_sigmoid": lambda x: np.clip(x / 6 + 0.5, 0, 1),
    "hard_silu": lambda x: x * np.clip(x / 6 + 0.5, 0, 1),
    "mish": lambda x: x * np.tanh(softplus(x)),
    "tanh": np.tanh,
    "exponential": np.exp,
    "softmax": softmax,
    "log_softmax": lambda x: np.log(softmax(x)),
    "sparsemax": sparsemax,
    "celu": lambda x: np.where(x < 0, np.expm1(x), x),
    "hard_shrink": lambda x: x * (np.abs(x) > 0.5),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "log_sigmoid": lambda x: np.log(sigmoid(x)),
    "soft_shrink": lambda x: x - np.clip(x, -0.5, 0.5),
    "sparse_plus": lambda x: np.select([x <= -1, x < 1], [0, (x + 1) ** 2 / 4], x),
    "sparse_sigmoid": lambda x: np.select([x <= -1, x < 1], [0, (x + 1) / 2], 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "tanh_shrink": lambda x: x - np.tanh(x),
}


def test_every_activation_is_lowered() -> None:
    lowered = {"linear", "sparsemax", *OPERATORS, *COMPOSED}
    assert lowered == set(get_args(ActivationName)) == set(ACTIVATIONS)
    assert not set(OPERATORS) & set(COMPOSED)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_has_kerass_value(name: ActivationName, opset: int) -> None:
    x = np.linspace(-8, 8, 66, dtype=np.float32).reshape(2, 3, 11)
    outputs = predicted(network((3, 11), f"Activation: {{activation: {name}}}"), {}, x, opset)
    expected = ACTIVATIONS[name](x.astype(np.float64))
    np.testing.assert_allclose(outputs, expected, rtol=5e-6, atol=2e-6)


@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_softmax_of_an_image_is_along_the_channels(name: ActivationName) -> None:
    net = network((3, 4, 5), "MaxPooling2D: {pool_size: 1}", f"Activation: {{activation: {name}}}")
    x = random(2, 3, 4, 5)
    expected = ACTIVATIONS[name](x.astype(np.float64))
    np.testing.assert_allclose(predicted(net, {}, x), expected, rtol=5e-6, atol=1e-6)


def test_gelu_before_opset_20_is_written_with_erf() -> None:
    net = network((4,), "Activation: {activation: gelu}")
    assert "Erf" in {node.op_type for node in model(net, opset=19).graph.node}
    assert [node.op_type for node in model(net, opset=20).graph.node] == ["Gelu"]


@pytest.mark.parametrize(
    ("shape", "fields", "expected"),
    [
        # Ones convolved with a kernel of ones count the pixels that are in the image.
        ((3, 3, 1), "kernel_size: 2", [[4, 4, 2], [4, 4, 2], [2, 2, 1]]),
        ((4, 4, 1), "kernel_size: 3, strides: 2", [[9, 6], [6, 4]]),
        ((2, 5, 1), "kernel_size: [1, 4], strides: [1, 2]", [[3, 4, 2], [3, 4, 2]]),
        ((1, 5, 1), "kernel_size: [1, 2], dilation_rate: 3", [[1, 2, 2, 1, 1]]),
    ],
)
@pytest.mark.parametrize("opset", OPSETS)
def test_same_padding_puts_the_odd_cell_at_the_end(
    shape: Shape, fields: str, expected: list[list[int]], opset: int
) -> None:
    net = network(shape, f"Conv2D: {{filters: 1, padding: same, use_bias: false, {fields}}}")
    weights = {key: np.ones(w.shape, np.float32) for key, w in net.graph.weights()}
    outputs = predicted(net, weights, np.ones((1, *shape), np.float32), opset)
    assert outputs[0, :, :, 0].tolist() == expected


def test_convolution_takes_the_kernel_with_kerass_axes() -> None:
    net = network((6, 5, 3), "Conv2D: {filters: 4, kernel_size: [2, 3]}")
    weights, x = random_weights(net), random(2, 6, 5, 3)
    kernel, bias = weights["conv2d.kernel"], weights["conv2d.bias"]
    expected = bias + sum(
        x[:, a : a + 5, b : b + 3] @ kernel[a, b] for a in range(2) for b in range(3)
    )
    np.testing.assert_allclose(predicted(net, weights, x), expected, atol=1e-5)


def test_grouped_convolution_keeps_the_groups_apart() -> None:
    net = network((4, 4, 4), "Conv2D: {filters: 6, kernel_size: 1, groups: 2, use_bias: false}")
    weights, x = random_weights(net), random(2, 4, 4, 4)
    kernel = weights["conv2d.kernel"][0, 0]
    halves = x[..., :2] @ kernel[:, :3], x[..., 2:] @ kernel[:, 3:]
    np.testing.assert_allclose(predicted(net, weights, x), np.concatenate(halves, -1), atol=1e-5)


@pytest.mark.parametrize("opset", OPSETS)
def test_padding_never_wins_the_maximum(opset: int) -> None:
    net = network((5, 5, 1), "MaxPooling2D: {pool_size: 3, strides: 2, padding: same}")
    x = np.full((1, 5, 5, 1), -1, np.float32)
    assert predicted(net, {}, x, opset)[0, :, :, 0].tolist() == [[-1] * 3] * 3


@pytest.mark.parametrize("opset", OPSETS)
def test_padding_is_left_out_of_the_mean(opset: int) -> None:
    # One row of padding is added below and one column on the right.
    net = network((3, 3, 1), "AveragePooling2D: {pool_size: 2, padding: same}")
    x = np.arange(1, 10, dtype=np.float32).reshape(1, 3, 3, 1)
    expected = [[(1 + 2 + 4 + 5) / 4, (3 + 6) / 2], [(7 + 8) / 2, 9]]
    assert predicted(net, {}, x, opset)[0, :, :, 0].tolist() == expected


@pytest.mark.parametrize("opset", OPSETS)
def test_mean_with_padding_on_all_sides_and_more_at_the_end(opset: int) -> None:
    # A window of 4 with stride 1 needs 3 pixels of padding: 1 on the left and 2 on the right.
    net = network((1, 4, 1), "AveragePooling2D: {pool_size: [1, 4], strides: 1, padding: same}")
    x = np.array([6, 12, 30, 60], np.float32).reshape(1, 1, 4, 1)
    assert predicted(net, {}, x, opset).ravel().tolist() == [16, 27, 34, 45]


@pytest.mark.parametrize("layer", ["MaxPooling2D", "AveragePooling2D"])
def test_valid_pooling_drops_the_rest(layer: str) -> None:
    net = network((5, 3, 2), f"{layer}: {{pool_size: 2}}")
    x = random(2, 5, 3, 2)
    windows = x[:, :4, :2].reshape(2, 2, 2, 1, 2, 2)
    reduced = windows.max((2, 4)) if layer == "MaxPooling2D" else windows.mean((2, 4))
    np.testing.assert_allclose(predicted(net, {}, x), reduced, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("keepdims", ["true", "false"])
def test_global_mean_of_every_channel(keepdims: str) -> None:
    net = network((4, 5, 3), f"GlobalAveragePooling2D: {{keepdims: {keepdims}}}")
    x = random(2, 4, 5, 3)
    expected = x.mean((1, 2), keepdims=keepdims == "true")
    np.testing.assert_allclose(predicted(net, {}, x), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(
    ("shape", "axis"),
    [((3,), 1), ((3, 4), 1), ((3, 4), 2), ((2, 3, 4), 1), ((2, 3, 4), 2), ((2, 3, 4), -1)],
)
def test_batch_normalization_along_any_axis(shape: Shape, axis: int, opset: int) -> None:
    net = network(shape, f"BatchNormalization: {{axis: {axis}, epsilon: 0.01}}")
    weights, x = random_weights(net), random(3, *shape)
    broadcast = [1] * x.ndim
    broadcast[axis] = -1
    gamma, beta, mean, variance = (value.reshape(broadcast) for value in weights.values())
    expected = gamma * (x - mean) / np.sqrt(variance + 0.01) + beta
    np.testing.assert_allclose(predicted(net, weights, x, opset), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("scale", [True, False])
@pytest.mark.parametrize("center", [True, False])
def test_batch_normalization_without_gamma_or_beta(scale: bool, center: bool) -> None:
    fields = json.dumps({"scale": scale, "center": center})
    net = network((4, 4, 3), f"BatchNormalization: {fields}")
    weights, x = random_weights(net), random(2, 4, 4, 3)
    named = {key.partition(".")[2]: value for key, value in weights.items()}
    expected = (x - named["moving_mean"]) / np.sqrt(named["moving_variance"] + 1e-3)
    expected = expected * named.get("gamma", 1) + named.get("beta", 0)
    np.testing.assert_allclose(predicted(net, weights, x), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("shape", [(5,), (4, 5), (3, 4, 5)])
@pytest.mark.parametrize("use_bias", ["true", "false"])
def test_dense_works_on_the_last_axis(shape: Shape, use_bias: str) -> None:
    net = network(shape, f"Dense: {{units: 6, use_bias: {use_bias}}}")
    weights, x = random_weights(net), random(2, *shape)
    expected = x @ weights["dense.kernel"] + weights.get("dense.bias", np.float32(0))
    np.testing.assert_allclose(predicted(net, weights, x), expected, rtol=1e-5, atol=1e-5)


def test_flatten_keeps_the_channels_last() -> None:
    net = network((4, 6, 3), "MaxPooling2D: {pool_size: 1}", "Flatten")
    x = random(2, 4, 6, 3)
    np.testing.assert_array_equal(predicted(net, {}, x), x.reshape(2, -1))


def test_dropout_is_nothing() -> None:
    net = network((4,), "Dropout: {rate: 0.5}", "Dense: {units: 2}", "Dropout: {rate: 0.5}")
    assert [node.op_type for node in model(net).graph.node] == ["Gemm"]


def test_network_of_dropout_alone_gives_its_input() -> None:
    x = random(2, 4)
    net = network((4,), "Dropout: {rate: 0.5}")
    np.testing.assert_array_equal(predicted(net, {}, x), x)


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("name", ["mnist_cnn", "digits_cnn"])
def test_spec_gives_what_the_interpreter_gives(name: str, opset: int) -> None:
    net = load(SPECS / f"{name}.yaml")
    weights = initial(net.graph, 0)
    x = np.random.default_rng(2).random((5, *net.graph.input_shape), np.float32)
    expected = run(net.graph, weights, x)
    np.testing.assert_allclose(predicted(net, weights, x, opset), expected, rtol=1e-5, atol=1e-6)


def test_spec_gives_what_onnxs_own_reference_gives() -> None:
    net = load(SPECS / "digits_cnn.yaml")
    weights = initial(net.graph, 0)
    x = np.random.default_rng(2).random((5, 8, 8, 1), np.float32)
    reference = ReferenceEvaluator(onnx.load_from_string(BACKEND.export(net, weights)))
    (expected,) = reference.run(None, {"input": x})
    np.testing.assert_allclose(predicted(net, weights, x), expected, rtol=1e-5, atol=1e-6)


def of_pixels(scale: float) -> tuple[Network, dict[str, Array], NDArray[np.uint8]]:
    """A network of images whose pixels are divided by `scale`, its weights, and pixels."""
    net = loads(
        "netspec: 1\nname: tested\ninput: [8, 8, 1]\nlayers:\n  - Flatten\n"
        f"  - Dense: {{units: 3}}\ndata: {{dataset: npz, path: a.npz, scale: {scale}}}\n"
    )
    return (
        net,
        random_weights(net),
        np.random.default_rng(3).integers(0, 256, (6, 8, 8, 1), np.uint8),
    )


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize("scale", [255, 16, 3.7])
def test_raw_input_is_divided_as_the_data_are(scale: float, opset: int) -> None:
    net, weights, pixels = of_pixels(scale)
    net = replace(net, passes=PLAIN)
    raw = BACKEND.open(BACKEND.export(net, weights, opset=opset, raw_input=True), "cpu")
    scaled = predicted(net, weights, pixels.astype(np.float32) / np.float32(scale), opset)
    (outputs,) = raw.outputs_of_pixels(pixels)
    np.testing.assert_array_equal(outputs, scaled)


@pytest.mark.parametrize("scale", [255, 3.7])
def test_the_division_of_raw_input_goes_into_the_first_kernel(scale: float) -> None:
    net, weights, pixels = of_pixels(scale)
    content = BACKEND.export(net, weights, raw_input=True)
    nodes = onnx.load_from_string(content).graph.node
    assert [node.op_type for node in nodes] == ["Cast", "Flatten", "Gemm"]
    expected = run(net.graph, weights, pixels / np.float64(scale))
    (outputs,) = BACKEND.open(content, "cpu").outputs_of_pixels(pixels)
    np.testing.assert_allclose(outputs, expected, rtol=1e-6)


def test_input_and_output_are_channels_last_with_a_free_batch() -> None:
    graph = model(load(SPECS / "mnist_cnn.yaml")).graph
    (pixels,), (output,) = graph.input, graph.output
    assert (pixels.name, output.name) == ("input", "output")
    assert pixels.type == onnx.helper.make_tensor_type_proto(
        TensorProto.FLOAT, ["batch", 28, 28, 1]
    )
    assert output.type == onnx.helper.make_tensor_type_proto(TensorProto.FLOAT, ["batch", 10])


@pytest.mark.parametrize("size", [1, 2, 7])
def test_batch_has_any_size(size: int) -> None:
    net = load(SPECS / "digits_cnn.yaml")
    predictor = BACKEND.predictor(net, initial(net.graph, 0), "cpu")
    x = np.random.default_rng(2).random((size, 8, 8, 1), np.float32)
    singly = np.concatenate([predictor.predict(x[i : i + 1]) for i in range(size)])
    np.testing.assert_allclose(predictor.predict(x), singly, rtol=1e-5, atol=1e-7)


def test_nodes_are_named_as_in_the_graph() -> None:
    net = replace(load(SPECS / "digits_cnn.yaml"), passes=PLAIN)
    names = [node.name for node in model(net).graph.node]
    assert names == [
        "input.channels_first",
        "conv2d",
        "batch_normalization",
        "activation",
        "max_pooling2d",
        "conv2d_1",
        "conv2d_1.activation",
        "global_average_pooling2d.pooled",
        "global_average_pooling2d",
        "dense",
        "dense.activation",
    ]


def test_weights_are_held_under_their_keys() -> None:
    net = replace(load(SPECS / "digits_cnn.yaml"), passes=PLAIN)
    weights = random_weights(net)
    written = onnx.load_from_string(BACKEND.export(net, weights)).graph.initializer
    constants = {tensor.name: numpy_helper.to_array(tensor) for tensor in written}
    assert list(constants) == [key for key, _ in net.graph.weights()]
    np.testing.assert_array_equal(
        constants["conv2d_1.kernel"], weights["conv2d_1.kernel"].transpose(3, 2, 0, 1)
    )
    np.testing.assert_array_equal(constants["dense.kernel"], weights["dense.kernel"])


def test_equal_constants_are_held_once() -> None:
    net = network((4,), "Dense: {units: 4}", "Dense: {units: 4}", "Dense: {units: 4}")
    same = {"kernel": random(4, 4), "bias": random(4)}
    weights = {key: same[key.rpartition(".")[2]] for key, _ in net.graph.weights()}
    weights["dense_2.kernel"] = random(4, 4, seed=1)
    content = BACKEND.export(net, weights)
    written = [tensor.name for tensor in onnx.load_from_string(content).graph.initializer]
    assert written == ["dense.kernel", "dense.bias", "dense_2.kernel"]
    x = random(2, 4)
    outputs = BACKEND.open(content, "cpu").predict(x)
    np.testing.assert_allclose(outputs, run(net.graph, weights, x), rtol=1e-5)


@pytest.mark.parametrize("spec", ["merged_gates", "layers/odd_windows", "layers/sequences"])
def test_what_constants_alone_decide_is_computed_at_export(spec: str) -> None:
    net = load(Path(__file__).parents[1] / "golden" / "specs" / f"{spec}.yaml")
    graph = model(net).graph
    constants = {"", *(tensor.name for tensor in graph.initializer)}
    assert [node.name for node in graph.node if set(node.input) <= constants] == []


PADDED = [
    ("Conv2D: {filters: 2, kernel_size: 3}", ["Transpose", "Conv", "Transpose"]),
    ("Conv2D: {filters: 2, kernel_size: 3, padding: same}", ["Transpose", "Conv", "Transpose"]),
    ("DepthwiseConv2D: {kernel_size: 2}", ["Transpose", "Conv", "Transpose"]),
    ("SeparableConv2D: {filters: 2, kernel_size: 2}", ["Transpose", "Conv", "Conv", "Transpose"]),
    (
        "Conv2DTranspose: {filters: 2, kernel_size: 2}",
        ["Transpose", "Pad", "ConvTranspose", "Transpose"],
    ),
    ("MaxPooling2D", ["Transpose", "Pad", "MaxPool", "Transpose"]),
]


@pytest.mark.parametrize(("layer", "expected"), PADDED)
def test_a_convolution_puts_the_zeros_before_it_there_itself(
    layer: str, expected: list[str]
) -> None:
    net = network((5, 6, 3), "ZeroPadding2D: {padding: [[0, 1], [2, 3]]}", "ZeroPadding2D", layer)
    weights, x = random_weights(net), random(2, 5, 6, 3)
    content = BACKEND.export(net, weights)
    written = onnx.load_from_string(content).graph
    assert [node.op_type for node in written.node] == expected
    read = {name for node in written.node for name in node.input}
    assert {tensor.name for tensor in written.initializer} <= read
    outputs = BACKEND.open(content, "cpu").predict(x)
    np.testing.assert_allclose(outputs, run(net.graph, weights, x), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("readers", ["Add: {inputs: [zeros, conv]}", "output: [zeros, conv]"])
def test_zeros_that_others_see_stay_before_the_convolution(readers: str) -> None:
    layers = [
        "ZeroPadding2D: {name: zeros}",
        "Conv2D: {filters: 3, kernel_size: 1, name: conv}",
    ]
    net = network((5, 6, 3), *layers, readers)
    tags = [node.op_type for node in model(net).graph.node]
    assert tags.count("Pad") == 1


@pytest.mark.parametrize(
    "layers",
    [
        ("Dense: {units: 2, name: output}",),
        ("Dense: {units: 2, name: output, activation: relu}",),
        ("Dense: {units: 3, name: output}", "Dense: {units: 2, activation: relu}"),
        ("Dense: {units: 3, name: output}", "Dropout: {rate: 0.5}"),
    ],
)
def test_layer_may_be_called_output(layers: tuple[str, ...]) -> None:
    net = network((4,), *layers)
    weights, x = random_weights(net), random(2, 4)
    np.testing.assert_allclose(predicted(net, weights, x), run(net.graph, weights, x), rtol=1e-5)


def test_metadata_hold_the_spec_the_classes_and_the_preprocessing() -> None:
    net = load(SPECS / "digits_cnn.yaml")
    metadata = {entry.key: entry.value for entry in model(net).metadata_props}
    assert len(metadata.pop("netspec.sha256")) == 64
    assert metadata == {
        "netspec.hash": "sha256",
        "netspec.spec": spec.resolved(net.spec),
        "netspec.class_names": '["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]',
        "netspec.scale": "16.0",
        "netspec.largest_pixel": "16",
        "netspec.raw_input": "false",
        "netspec.graph": net.graph.hash,
    }
    assert loads(metadata["netspec.spec"]).graph.hash == net.graph.hash


def test_metadata_without_data_say_that_nothing_is_divided() -> None:
    net = network((4,), "Dense: {units: 2}")
    metadata = {entry.key: entry.value for entry in model(net, raw_input=True).metadata_props}
    assert metadata["netspec.scale"] == "1.0"
    assert metadata["netspec.raw_input"] == "true"
    assert metadata["netspec.class_names"] == '["0", "1"]'


@pytest.mark.parametrize(("opset", "ir_version"), [(18, 8), (20, 9), (21, 10)])
def test_file_format_is_the_oldest_that_holds_the_opset(opset: int, ir_version: int) -> None:
    # From the table in onnx/docs/Versioning.md.
    written = model(network((4,), "Flatten"), opset=opset)
    assert written.ir_version == ir_version
    assert [(entry.domain, entry.version) for entry in written.opset_import] == [("", opset)]


def test_opset_is_20_where_none_is_given() -> None:
    assert model(network((4,), "Flatten")).opset_import[0].version == 20


def test_producer_is_netspec() -> None:
    assert model(network((4,), "Flatten")).producer_name == "netspec"


def test_same_network_gives_the_same_bytes() -> None:
    first, second = load(SPECS / "digits_cnn.yaml"), load(SPECS / "digits_cnn.yaml")
    weights = initial(first.graph, 0)
    shuffled = dict(reversed(weights.items()))
    assert BACKEND.export(first, weights) == BACKEND.export(second, shuffled)


@pytest.mark.parametrize("opset", [-1, 0, 17, NEWEST + 1])
def test_opset_out_of_range_is_refused_with_the_range(opset: int) -> None:
    fault = refused(network((4,), "Flatten"), {}, opset=opset)
    assert f"opset {opset}" in fault.message
    assert fault.help == f"choose one from 18 to {NEWEST}, or none for 20"


def test_network_over_2_gib_is_refused() -> None:
    net = network((20_000,), "Dense: {units: 30000}")
    # Views of one number: the size is refused before a value is read.
    weights = {key: np.broadcast_to(np.float32(0), w.shape) for key, w in net.graph.weights()}
    fault = refused(net, weights)
    assert fault.message == "the weights take 2.2 GiB, and an ONNX file holds at most 2 GiB"


def test_weights_of_another_network_are_refused() -> None:
    net = network((4,), "Dense: {units: 2}")
    with pytest.raises(WeightsError, match=r"there is no weight dense\.kernel"):
        BACKEND.export(net, {})


def test_shape_that_onnx_infers_otherwise_is_a_bug_of_netspec(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("netspec.passes.base.verify", lambda _: None)  # which would notice it first
    net = network((4,), "Dense: {units: 2}")
    false = replace(net.graph.output, shape=(3,))
    fault = refused(replace(net, graph=replace(net.graph, nodes=(false,))), random_weights(net))
    assert fault.message.endswith("its outputs are [['batch', 2]], not [['batch', 3]]")
    assert fault.help == "this is a bug of netspec; please report it with the spec"


def test_backend_exports_and_opens() -> None:
    assert isinstance(BACKEND.backend, ExportingBackend)


def test_importing_the_backend_loads_no_framework() -> None:
    code = (
        "import sys, netspec_onnx; netspec_onnx.BACKEND.devices(); "
        "sys.exit(bool({'onnx', 'onnxruntime', 'keras', 'tensorflow', 'torch'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("opset", OPSETS)
@pytest.mark.parametrize(
    "layer",
    [
        "LayerNormalization: {axis: [1, 3]}",
        "GroupNormalization: {groups: 2}",
        "RMSNormalization",
        "UnitNormalization: {axis: [1, 2]}",
    ],
)
def test_a_normalization_has_its_values_in_every_opset(layer: str, opset: int) -> None:
    net = network((3, 5, 4), layer)
    weights, x = random_weights(net), random(2, 3, 5, 4)

    outputs = predicted(net, weights, x, opset)

    np.testing.assert_allclose(outputs, run(net.graph, weights, x), rtol=1e-5, atol=1e-6)
