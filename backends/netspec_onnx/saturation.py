"""Finds products of 8-bit integers that overflow on processors without VNNI.

Without VNNI, x86 processors multiply uint8 by int8 with VPMADDUBSW. It adds the products of two
neighbours in 16 bits, and a sum beyond 32,767 becomes 32,767 (Intel's Software Developer's Manual,
volume 2; ONNX Runtime's documentation, "Quantize ONNX Models"). Such a file predicts one thing on a
processor with VNNI and another on a processor without it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, numpy_helper

LARGEST_ACTIVATION = 255
LARGEST_SUM, SMALLEST_SUM = 32_767, -32_768

MAX_NAMES = 5
"""How many names of layers are shown."""

_WEIGHT_INPUT = {
    "Conv": 1,
    "ConvTranspose": 1,
    "Gemm": 1,
    "MatMul": 1,
    "ConvInteger": 1,
    "MatMulInteger": 1,
    "QLinearConv": 3,
    "QLinearMatMul": 3,
}
"""For every operator that multiplies, the input that its weights are."""


def remarks(model: ModelProto) -> tuple[str, ...]:
    """A sentence about the weights of a model whose products can overflow, else nothing."""
    names = saturating_products(model)
    if not names:
        return ()
    shown = ", ".join(names if len(names) <= MAX_NAMES else (*names[:MAX_NAMES], "..."))
    count = "1 layer has" if len(names) == 1 else f"{len(names)} layers have"
    return (
        f"{count} int8 weights of 8 bits ({shown}): on x86 processors without VNNI their sums "
        "overflow, and the predictions differ; export the run again with --quantize int8",
    )


def saturating_products(model: ModelProto) -> tuple[str, ...]:
    """The names of the nodes whose sums of two products can leave 16 bits.

    The activations are not looked at: any of them may be 255.
    """
    return tuple(
        node.name or node.output[0]
        for node, weights in int8_products(model.graph)
        if can_saturate(weights)
    )


def int8_products(graph: GraphProto) -> Iterator[tuple[NodeProto, NDArray[np.int8]]]:
    """The nodes that multiply by int8 weights; the weights have the shape (channels, ...)."""
    weights = {
        tensor.name: tensor
        for tensor in graph.initializer
        if tensor.data_type == TensorProto.INT8 and len(tensor.dims) > 1
    }
    for node in graph.node:
        if node.op_type == "DequantizeLinear" and node.input[0] in weights:
            weights[node.output[0]] = weights[node.input[0]]
    for node in graph.node:
        place = _WEIGHT_INPUT.get(node.op_type)
        if place is not None and node.input[place] in weights:
            values = numpy_helper.to_array(weights[node.input[place]])
            yield node, np.moveaxis(values, _channel_axis(node, values), 0)


def can_saturate(weights: NDArray[np.int8]) -> bool:
    """Whether two products of a channel can leave 16 bits; the shape is (channels, ...)."""
    rows = np.sort(weights.reshape(len(weights), -1).astype(np.int64), axis=1)
    largest = np.maximum(rows[:, -2:], 0).sum(1).max(initial=0)
    smallest = np.minimum(rows[:, :2], 0).sum(1).min(initial=0)
    return bool(
        LARGEST_ACTIVATION * largest > LARGEST_SUM or LARGEST_ACTIVATION * smallest < SMALLEST_SUM
    )


def _channel_axis(node: NodeProto, weights: NDArray[Any]) -> int:  # Any: of any integer type
    """The axis of the weights that the output channels are."""
    if "Conv" in node.op_type:
        return 1 if node.op_type == "ConvTranspose" else 0
    if node.op_type == "Gemm" and any(
        attribute.name == "transB" and attribute.i for attribute in node.attribute
    ):
        return 0
    return weights.ndim - 1
