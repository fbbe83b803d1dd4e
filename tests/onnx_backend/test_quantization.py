"""int8 and fp16 forms of ONNX models: their content and their predictions."""

from __future__ import annotations

import logging
from collections import Counter

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto

from netspec.backend import find_exporting
from netspec.network import loads
from netspec.numerics.initial import initial
from netspec.text.diagnostics import BackendError
from netspec_onnx.saturation import int8_products
from netspec_onnx.seal import KEY

BACKEND = find_exporting("onnx")

IMAGES = """
netspec: 1
name: images
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, activation: relu}
  - MaxPooling2D
  - Conv2D: {filters: 8, kernel_size: 3, activation: relu}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
"""

WORDS = """
netspec: 1
name: words
input: [6]
layers:
  - Embedding: {input_dim: 5000, output_dim: 8}
  - LSTM: {units: 8, return_sequences: true}
  - GRU: {units: 8, activation: relu}
  - Dense: {units: 3, activation: softmax}
"""

TWO = """
netspec: 1
name: two
input: {left: [8], right: [8]}
layers:
  - Dense: {units: 8, activation: tanh, inputs: left, name: first}
  - Dense: {units: 8, inputs: right, name: second}
  - Add: {inputs: [first, second], name: sum}
  - LayerNormalization: {name: normal}
  - Dense: {units: 4, activation: softmax, name: kind}
  - Dense: {units: 1, inputs: normal, name: size}
output: [kind, size]
"""


def content_of(text: str, **options) -> bytes:
    net = loads(text)
    return BACKEND.export(net, initial(net.graph, 0), **options)


def examples(text: str, count: int = 64) -> tuple[np.ndarray, ...]:
    random = np.random.default_rng(0)
    if text is WORDS:
        return (random.integers(0, 5000, (count, 6)).astype(np.float32),)
    shapes = [source.shape for source in loads(text).graph.inputs]
    return tuple(random.random((count, *shape), np.float32) for shape in shapes)


@pytest.mark.parametrize("opset", [18, 24])
@pytest.mark.parametrize("to", ["int8", "fp16"])
@pytest.mark.parametrize("text", [IMAGES, WORDS, TWO], ids=["images", "words", "two"])
def test_a_smaller_model_predicts_the_same_within_its_steps(text, to, opset):
    content, inputs = content_of(text, opset=opset), examples(text)
    smaller = BACKEND.quantize(content, to, inputs)
    before = BACKEND.open(content, "cpu").outputs(*inputs)
    after = BACKEND.open(smaller, "cpu").outputs(*inputs)
    for expected, actual in zip(before, after, strict=True):
        # 256 values over the range of every tensor, against 11 bits of every number.
        bound = (0.03 if to == "int8" else 0.003) * max(1.0, float(np.ptp(expected)))
        np.testing.assert_allclose(actual, expected, atol=bound)


def test_products_of_int8_have_a_scale_for_every_output_channel():
    model = onnx.load_from_string(BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES)))
    constants = {constant.name: constant for constant in model.graph.initializer}
    producers = {name: node for node in model.graph.node for name in node.output}
    convolutions = [node for node in model.graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 2
    for node, channels in zip(convolutions, (4, 8), strict=True):
        kernel = producers[node.input[1]]
        weights, scale, *_ = (constants[name] for name in kernel.input)
        assert kernel.op_type == "DequantizeLinear"
        assert (weights.data_type, list(scale.dims)) == (TensorProto.INT8, [channels])


def test_the_largest_weight_of_a_channel_is_64():
    model = onnx.load_from_string(BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES)))
    kernels = [kernel for node, kernel in int8_products(model.graph) if node.op_type == "Conv"]
    assert len(kernels) == 2
    for kernel in kernels:
        largest = np.abs(kernel.astype(int)).reshape(len(kernel), -1).max(1)
        np.testing.assert_array_equal(largest, 64)


def test_onnx_runtime_computes_every_product_with_integers(tmp_path):
    content = BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES))
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.optimized_model_filepath = str(tmp_path / "optimized.onnx")
    onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    ran = Counter(node.op_type for node in onnx.load(tmp_path / "optimized.onnx").graph.node)
    assert (ran["QLinearConv"], ran["QGemm"], ran["Conv"], ran["Gemm"]) == (2, 1, 0, 0)


@pytest.mark.parametrize("to", ["int8", "fp16"])
def test_a_smaller_file_says_how_it_is_made_and_what_the_first_said(to):
    content = content_of(IMAGES)
    before = BACKEND.open(content, "cpu").metadata
    after = BACKEND.open(BACKEND.quantize(content, to, examples(IMAGES)), "cpu").metadata
    assert after | {KEY: ""} == before | {"netspec.quantized": to, KEY: ""}


@pytest.mark.parametrize("to", ["int8", "fp16"])
def test_the_same_examples_give_the_same_bytes(to):
    content, inputs = content_of(IMAGES), examples(IMAGES)
    assert BACKEND.quantize(content, to, inputs) == BACKEND.quantize(content, to, inputs)


@pytest.mark.parametrize("to", ["int8", "fp16"])
def test_raw_pixels_are_taken_by_smaller_models_too(to):
    pixels = np.random.default_rng(0).integers(0, 17, (64, 8, 8, 1)).astype(np.uint8)
    expected = BACKEND.open(content_of(IMAGES), "cpu").predict(pixels.astype(np.float32) / 16)
    smaller = BACKEND.quantize(content_of(IMAGES, raw_input=True), to, [pixels])
    (outputs,) = BACKEND.open(smaller, "cpu").outputs_of_pixels(pixels)
    np.testing.assert_allclose(outputs, expected, atol=0.03 if to == "int8" else 0.003)


def test_an_index_above_2048_is_exact_in_fp16():
    net = loads(
        "netspec: 1\nname: one\ninput: [1]\n"
        "layers: [{Embedding: {input_dim: 5000, output_dim: 2}}, Flatten]"
    )
    vectors = np.stack([np.arange(5000) % 7, np.arange(5000) % 11], 1).astype(np.float32)
    content = BACKEND.export(net, {"embedding.embeddings": vectors})
    model = BACKEND.open(BACKEND.quantize(content, "fp16", ()), "cpu")
    np.testing.assert_array_equal(model.predict(np.array([[4097.0]])), vectors[4097:4098])


def test_a_weight_beyond_float16_stays_float32():
    net = loads(
        "netspec: 1\nname: large\ninput: [2]\nlayers: [{Dense: {units: 1, use_bias: false}}]"
    )
    content = BACKEND.export(net, {"dense.kernel": np.array([[1e6], [1.0]], np.float32)})
    model = BACKEND.open(BACKEND.quantize(content, "fp16", ()), "cpu")
    np.testing.assert_array_equal(model.predict(np.array([[1.0, 1.0]])), [[1e6 + 1]])


def test_weights_take_half_as_much_in_fp16():
    content = content_of(WORDS)
    assert len(BACKEND.quantize(content, "fp16", ())) < 0.6 * len(content)


def test_a_network_without_products_has_no_int8_form():
    content = content_of("netspec: 1\nname: flat\ninput: [2, 2]\nlayers: [Flatten]")
    with pytest.raises(BackendError, match="flat has nothing that int8 makes smaller") as fault:
        BACKEND.quantize(content, "int8", (np.zeros((2, 2, 2), np.float32),))
    assert fault.value.help == "export it without --quantize, or as fp16"


def test_what_onnxruntime_cannot_quantize_is_a_fault_with_its_reason(monkeypatch):
    def fails(*_arguments, **_options):
        raise ValueError("no range of conv2d\nand more")

    monkeypatch.setattr("onnxruntime.quantization.quantize_static", fails)
    with pytest.raises(BackendError) as fault:
        BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES))
    assert fault.value.message == (
        "onnxruntime.quantization cannot make images int8: ValueError: no range of conv2d"
    )
    assert fault.value.help == "export it without --quantize, or as fp16"


def test_quantizing_leaves_no_file_no_word_and_no_handler(tmp_path, monkeypatch, capfd):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    handlers = list(logging.getLogger().handlers)
    BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")
    assert logging.getLogger().handlers == handlers
