"""Products of 8-bit integers on processors without VNNI, whose sums of two saturate at 16 bits."""

from __future__ import annotations

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from netspec_onnx import BACKEND
from netspec_onnx.saturation import can_saturate, int8_products, saturating_products
from onnx_backend.test_quantization import IMAGES, TWO, content_of, examples
from saturating import with_8_bits


def exact_product(activations: NDArray[np.uint8], weights: NDArray[np.int8]) -> NDArray[np.int64]:
    """What VNNI computes: activations (n, k) times weights (channels, k), in 32 bits."""
    return activations.astype(np.int64) @ weights.T.astype(np.int64)


def vpmaddubsw_product(
    activations: NDArray[np.uint8], weights: NDArray[np.int8]
) -> NDArray[np.int64]:
    """What AVX2 computes: sums of two neighbours are clipped to 16 bits before they are added."""
    products = activations[:, None, :].astype(np.int64) * weights[None].astype(np.int64)
    pairs = np.pad(products, ((0, 0), (0, 0), (0, products.shape[2] % 2)))
    sums = pairs[..., ::2] + pairs[..., 1::2]
    return np.clip(sums, -32_768, 32_767).sum(-1)


@pytest.mark.parametrize("weight", [127, -127])
def test_two_large_products_saturate_in_16_bits(weight: int):
    activations, weights = np.full((1, 2), 255, np.uint8), np.full((1, 2), weight, np.int8)
    assert exact_product(activations, weights) == 255 * 2 * weight
    assert vpmaddubsw_product(activations, weights) == (32_767 if weight > 0 else -32_768)
    assert can_saturate(weights)


@pytest.mark.parametrize(
    ("row", "saturates"),
    [
        ((64, 64), False),  # 255 x 128 = 32,640
        ((64, 65), True),  # 255 x 129 = 32,895
        ((-64, -64), False),
        ((-64, -65), True),
        ((127, -127), False),
        ((127, 1), False),
        ((127, 2), True),
        ((127, 0, 0, 127), True),  # which products are neighbours is the runtime's choice
        ((127,), False),
    ],
    ids=str,
)
def test_the_two_largest_weights_decide_on_saturation(row: tuple[int, ...], saturates: bool):
    assert can_saturate(np.array([[0] * len(row), row], np.int8)) is saturates


@pytest.mark.parametrize("text", [IMAGES, TWO], ids=["images", "two"])
def test_no_product_of_an_exported_file_saturates(text: str):
    content = BACKEND.quantize(content_of(text), "int8", examples(text))
    model = onnx.load_from_string(content)
    products = list(int8_products(model.graph))
    assert products
    random = np.random.default_rng(0)
    for _, kernel in products:
        weights = kernel.reshape(len(kernel), -1)
        # The largest activations wherever a weight has one sign, and random ones.
        signs = np.concatenate([weights > 0, weights < 0]).astype(np.uint8) * np.uint8(255)
        activations = np.concatenate([signs, random.integers(0, 256, signs.shape, np.uint8)])
        shuffled = random.permutation(weights.shape[1])
        for order in (np.arange(weights.shape[1]), np.argsort(weights[0]), shuffled):
            np.testing.assert_array_equal(
                vpmaddubsw_product(activations[:, order], weights[:, order]),
                exact_product(activations[:, order], weights[:, order]),
            )
    assert saturating_products(model) == ()
    assert BACKEND.open(content, "cpu").remarks == ()


def test_a_file_with_weights_of_8_bits_is_reported():
    content = with_8_bits(BACKEND.quantize(content_of(IMAGES), "int8", examples(IMAGES)))
    names = saturating_products(onnx.load_from_string(content))
    assert names == ("conv2d", "conv2d_1", "dense")
    remark, *_ = BACKEND.open(content, "cpu").remarks
    assert remark == (
        "3 layers have int8 weights of 8 bits (conv2d, conv2d_1, dense): on x86 processors without "
        "VNNI their sums overflow, and the predictions differ; export the run again with "
        "--quantize int8"
    )


@pytest.mark.parametrize(
    ("operator", "shape", "place"),
    [
        ("Conv", (1, 2, 1, 1), 1),
        ("ConvTranspose", (2, 1, 1, 1), 1),
        ("Gemm", (2, 1), 1),
        ("MatMul", (2, 1), 1),
        ("ConvInteger", (1, 2, 1, 1), 1),
        ("MatMulInteger", (2, 1), 1),
        ("QLinearConv", (1, 2, 1, 1), 3),
        ("QLinearMatMul", (2, 1), 3),
    ],
)
@pytest.mark.parametrize(("weight", "saturates"), [(64, False), (127, True)])
def test_every_product_with_int8_weights_is_seen(operator, shape, place, weight, saturates):
    values = np.full(shape, weight, np.int8)
    inputs = [f"input{index}" for index in range(place)] + ["weights"]
    node = helper.make_node(operator, inputs, ["y"], "product")
    graph = helper.make_graph([node], "g", [], [], [numpy_helper.from_array(values, "weights")])
    names = saturating_products(helper.make_model(graph))
    assert names == (("product",) if saturates else ())


def test_a_transposed_gemm_has_its_channels_first():
    values = np.array([[127, 0], [0, 127]], np.int8)
    for transposed, weights in ((1, values), (0, values.T)):
        node = helper.make_node("Gemm", ["x", "weights"], ["y"], "product", transB=transposed)
        tensors = [numpy_helper.from_array(np.ascontiguousarray(weights), "weights")]
        model = helper.make_model(helper.make_graph([node], "g", [], [], tensors))
        assert saturating_products(model) == ()
