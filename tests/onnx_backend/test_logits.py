"""The logits of exported files: what a file returns without its final softmax or sigmoid."""

from __future__ import annotations

import os

import numpy as np
import pytest

if "CI" not in os.environ:  # there both are always installed, and their absence is a failure
    pytest.importorskip("onnx.helper")
    pytest.importorskip("onnxruntime")

import onnx
from onnx import helper

from netspec.backend import find_exporting
from netspec.network import Network, loads
from netspec.numerics.initial import initial
from netspec.runs.quantization import ScaledInputs
from netspec.text.diagnostics import BackendError
from netspec_onnx.logits import without_activations
from netspec_onnx.seal import sealed, unsealed

BACKEND = find_exporting("onnx")

FLAT = """
netspec: 1
name: flat
input: [6, 6, 1]
layers: [Flatten, Dense: {units: 3, activation: softmax}]
data: {dataset: npz, path: flat.npz, scale: 255}
train: {loss: sparse_categorical_crossentropy}
"""

SOFTMAX_LAYER = """
netspec: 1
name: softmax_layer
input: [6]
layers: [Dense: {units: 3}, Softmax]
train: {loss: categorical_crossentropy}
"""

PIXELS = """
netspec: 1
name: pixels
input: [6, 6, 2]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}
  - Conv2D: {filters: 3, kernel_size: 3, padding: same, activation: softmax}
data: {dataset: npz, path: pixels.npz}
train: {loss: sparse_categorical_crossentropy}
"""

IMAGE = """
netspec: 1
name: image
input: [6, 6, 1]
layers:
  - Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}
train: {loss: binary_crossentropy}
"""

SEVERAL = """
netspec: 1
name: several
input: [6]
layers:
  - Dense: {units: 8, activation: sigmoid, name: hidden}
  - Dense: {units: 3, activation: softmax, inputs: hidden, name: kind}
  - Dense: {units: 2, activation: sigmoid, inputs: hidden, name: size}
  - Dense: {units: 2, activation: sigmoid, inputs: hidden, name: signs}
output: [kind, size, signs]
train: {loss: {kind: categorical_crossentropy, size: mean_squared_error, signs: binary_crossentropy}}
"""
TEXTS = {
    "flat": FLAT,
    "softmax_layer": SOFTMAX_LAYER,
    "pixels": PIXELS,
    "image": IMAGE,
    "several": SEVERAL,
}


def inputs_of(net: Network, count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(0, 3, (count, *net.graph.input_shape)).astype(np.float32)


def activated(logits: np.ndarray, activation: str | None) -> np.ndarray:
    if activation == "softmax":
        powers = np.exp(logits - logits.max(-1, keepdims=True))
        return powers / powers.sum(-1, keepdims=True)
    return 1 / (1 + np.exp(-logits)) if activation == "sigmoid" else logits


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
@pytest.mark.parametrize("to", [None, "int8", "fp16"])
def test_the_activations_of_the_logits_are_the_outputs(text: str, to) -> None:
    net = loads(text)
    content, inputs = BACKEND.export(net, initial(net.graph, 0)), inputs_of(net)
    model = BACKEND.open(BACKEND.quantize(content, to, [inputs]) if to else content, "cpu")

    logits, outputs = model.logits(inputs), model.outputs(inputs)

    for logit, expected, activation in zip(logits, outputs, net.taken_off, strict=True):
        np.testing.assert_allclose(
            activated(logit, activation), expected, atol=2e-3 if to == "fp16" else 1e-6
        )
        assert activation is None or logit.min() < 0 or logit.max() > 1


@pytest.mark.parametrize("text", [FLAT, PIXELS, IMAGE], ids=["flat", "pixels", "image"])
def test_the_logits_are_the_outputs_of_a_network_that_ends_in_them(text: str) -> None:
    net = loads(text)
    linear = loads(
        text.replace(", activation: softmax", "")
        .replace(", activation: sigmoid", "")
        .split("train:")[0]
    )
    weights, inputs = initial(net.graph, 0), inputs_of(net)

    (logit,) = BACKEND.predictor(net, weights, "cpu").logits(inputs)

    (expected,) = BACKEND.predictor(linear, weights, "cpu").outputs(inputs)
    np.testing.assert_allclose(logit, expected, 1e-6, 1e-6)


def test_a_file_that_takes_pixels_has_the_same_logits() -> None:
    net = loads(FLAT)
    weights = initial(net.graph, 0)
    pixels = np.random.default_rng(0).integers(0, 256, (5, 6, 6, 1), np.uint8)
    scaled = pixels.astype(np.float32) / 255
    raw = BACKEND.open(BACKEND.export(net, weights, raw_input=True), "cpu")
    (expected,) = BACKEND.predictor(net, weights, "cpu").logits(scaled)

    for (logit,) in (raw.logits(pixels), ScaledInputs(raw).logits(scaled)):
        np.testing.assert_allclose(logit, expected, 1e-5, 1e-6)


def test_the_file_itself_is_unchanged() -> None:
    net = loads(FLAT)
    model, inputs = BACKEND.predictor(net, initial(net.graph, 0), "cpu"), inputs_of(net)
    before = model.outputs(inputs)
    model.logits(inputs)
    np.testing.assert_array_equal(model.outputs(inputs), before)


def test_a_file_without_its_activation_is_an_error() -> None:
    net = loads(FLAT)
    content = unsealed(BACKEND.export(net, initial(net.graph, 0)))
    linear = sealed(without_activations(content, net.taken_off))
    with pytest.raises(BackendError, match="the output output does not end in softmax"):
        BACKEND.open(linear, "cpu").logits(inputs_of(net))


def test_a_file_with_other_outputs_than_its_spec_is_an_error() -> None:
    net = loads(SEVERAL)
    model = onnx.load_from_string(unsealed(BACKEND.export(net, initial(net.graph, 0))))
    del model.graph.output[1:]
    with pytest.raises(BackendError, match="the model has 1 outputs, and its spec has 3"):
        BACKEND.open(sealed(model.SerializeToString()), "cpu").logits(inputs_of(net))


def test_a_file_without_a_spec_is_an_error() -> None:
    net = loads(FLAT)
    model = onnx.load_from_string(BACKEND.export(net, initial(net.graph, 0)))
    helper.set_model_props(model, {})
    with pytest.raises(BackendError, match="the model contains no spec"):
        BACKEND.open(model.SerializeToString(), "cpu").logits(inputs_of(net))
