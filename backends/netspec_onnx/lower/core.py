"""Layers without an idea of space, and the activations, in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

import numpy as np
from onnx import TensorProto, helper

from netspec.graph import Node
from netspec.language.layers import Activation, Dense, Flatten, Transpose
from netspec.language.layers.activations import (
    LEAKY_RELU_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    ActivationName,
)
from netspec.language.layers.base import axis_indices
from netspec.language.layers.core import (
    ELU,
    EinsumDense,
    Embedding,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from netspec_onnx.lower.base import Builder, lower

GELU_OPSET = 20  # the first that has Gelu


@lower.register
def _(layer: Transpose, node: Node, to: Builder, x: str) -> str:
    return to.add("Transpose", [x], node.name, perm=layer.axes(node.shape))


@lower.register
def _(_layer: Flatten, node: Node, to: Builder, x: str) -> str:
    return to.add("Flatten", [x], node.name, axis=1)


@lower.register
def _(_layer: Dense, node: Node, to: Builder, x: str) -> str:
    kernel, *bias = to.weights_of(node).values()
    if len(node.input_shape) == 1:
        return to.add("Gemm", [x, kernel, *bias], node.name)
    if not bias:
        return to.add("MatMul", [x, kernel], node.name)
    product = to.add("MatMul", [x, kernel], f"{node.name}.product")
    return to.add("Add", [product, *bias], node.name)


@lower.register
def _(layer: EinsumDense, node: Node, to: Builder, x: str) -> str:
    kernel, *bias = to.weights_of(node).values()
    if not bias:
        return to.add("Einsum", [x, kernel], node.name, equation=layer.equation)
    product = to.add("Einsum", [x, kernel], f"{node.name}.product", equation=layer.equation)
    return to.add("Add", [product, *bias], node.name)


@lower.register
def _(_layer: Embedding, node: Node, to: Builder, x: str) -> str:
    indices = to.add("Cast", [x], f"{node.name}.indices", to=TensorProto.INT64)
    embeddings = to.weights_of(node)["embeddings"]
    return to.add("Gather", [embeddings, indices], node.name)


@lower.register
def _(_layer: Identity, _node: Node, _to: Builder, x: str) -> str:
    return x


@lower.register
def _(layer: ReLU, node: Node, to: Builder, x: str) -> str:
    if not layer.negative_slope:
        return _above(layer, x, node.name, to)
    slope = layer.negative_slope
    if not layer.threshold and layer.max_value is None:
        return to.add("LeakyRelu", [x], node.name, alpha=slope)
    threshold = to.constant(f"{node.name}.threshold", layer.threshold)
    below = to.add("Sub", [threshold, x], f"{node.name}.below")
    part = to.add("Relu", [below], f"{node.name}.part")
    factor = to.constant(f"{node.name}.slope", slope)
    sloped = to.add("Mul", [part, factor], f"{node.name}.sloped")
    above = _above(layer, x, f"{node.name}.above", to)
    return to.add("Sub", [above, sloped], node.name)


def _above(layer: ReLU, x: str, name: str, to: Builder) -> str:
    """What lies above the threshold, as far as the largest value; 0 elsewhere."""
    most = layer.max_value
    if layer.threshold:
        kept = name if most is None else f"{name}.kept"
        x = to.add("ThresholdedRelu", [x], kept, alpha=layer.threshold)
    elif most is None:
        return to.add("Relu", [x], name)
    return x if most is None else _clip(x, name, to, 0, most)


@lower.register
def _(layer: LeakyReLU, node: Node, to: Builder, x: str) -> str:
    return to.add("LeakyRelu", [x], node.name, alpha=layer.negative_slope)


@lower.register
def _(_layer: PReLU, node: Node, to: Builder, x: str) -> str:
    key = f"{node.name}.alpha"
    alpha = to.weights[key]
    if node.layout == "channels_first":
        alpha = np.moveaxis(alpha, -1, 0)
    return to.add("PRelu", [x, to.constant(key, alpha)], node.name)


@lower.register
def _(layer: ELU, node: Node, to: Builder, x: str) -> str:
    return to.add("Elu", [x], node.name, alpha=layer.alpha)


@lower.register
def _(layer: Softmax, node: Node, to: Builder, x: str) -> str:
    dims = [node.dimension(index) for index in axis_indices(layer.axis, node.shape)]
    if len(dims) == 1:
        return to.add("Softmax", [x], node.name, axis=dims[0])
    axes = to.integers(f"{node.name}.axes", dims)
    total = to.add("ReduceLogSumExp", [x, axes], f"{node.name}.total", keepdims=1)
    return to.add("Exp", [to.add("Sub", [x, total], f"{node.name}.shifted")], node.name)


OPERATORS: dict[ActivationName, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAKY_RELU_SLOPE}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {"alpha": SELU_ALPHA, "gamma": SELU_SCALE}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "mish": ("Mish", {}),
    "tanh": ("Tanh", {}),
    "exponential": ("Exp", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
    "celu": ("Celu", {"alpha": 1.0}),
    "hard_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.0}),
    "soft_shrink": ("Shrink", {"lambd": 0.5, "bias": 0.5}),
    "sparse_sigmoid": ("HardSigmoid", {"alpha": 0.5, "beta": 0.5}),
}
"""The activations that are one operator, with its attributes."""


@lower.register
def _(layer: Activation, node: Node, to: Builder, x: str) -> str:
    return activated(layer.activation, x, node.name, to, node.shape[-1])


def activated(activation: ActivationName, x: str, name: str, to: Builder, size: int) -> str:
    """Append an activation of a tensor with a last axis of this size; return the output's name."""
    if activation == "linear":
        return x
    if activation == "sparsemax":
        return _sparsemax(x, size, name, to)
    if compose := COMPOSED.get(activation):
        return compose(x, name, to)
    operator, attributes = OPERATORS[activation]
    return to.add(operator, [x], name, **attributes)


def _clip(x: str, name: str, to: Builder, least: float, most: float) -> str:
    bounds = [to.constant(f"{name}.min", least), to.constant(f"{name}.max", most)]
    return to.add("Clip", [x, *bounds], name)


def _relu6(x: str, name: str, to: Builder) -> str:
    return _clip(x, name, to, 0, 6)


def _hard_tanh(x: str, name: str, to: Builder) -> str:
    return _clip(x, name, to, -1, 1)


def _silu(x: str, name: str, to: Builder) -> str:
    return to.add("Mul", [x, to.add("Sigmoid", [x], f"{name}.sigmoid")], name)


def _gelu(x: str, name: str, to: Builder) -> str:
    if to.opset >= GELU_OPSET:
        return to.add("Gelu", [x], name, approximate="none")
    scaled = to.add("Div", [x, to.constant(f"{name}.root", sqrt(2))], f"{name}.scaled")
    erf = to.add("Erf", [scaled], f"{name}.erf")
    above = to.add("Add", [erf, to.constant(f"{name}.one", 1)], f"{name}.above")
    twice = to.add("Mul", [x, above], f"{name}.twice")
    return to.add("Mul", [twice, to.constant(f"{name}.half", 0.5)], name)


def _log_sigmoid(x: str, name: str, to: Builder) -> str:
    negative = to.add("Neg", [x], f"{name}.negative")
    return to.add("Neg", [to.add("Softplus", [negative], f"{name}.softplus")], name)


def _sparse_plus(x: str, name: str, to: Builder) -> str:
    root = to.add("HardSigmoid", [x], f"{name}.root", alpha=0.5, beta=0.5)
    square = to.add("Mul", [root, root], f"{name}.square")
    below = to.add("Less", [x, to.constant(f"{name}.one", 1)], f"{name}.below")
    return to.add("Where", [below, square, x], name)


def _squareplus(x: str, name: str, to: Builder) -> str:
    square = to.add("Mul", [x, x], f"{name}.square")
    raised = to.add("Add", [square, to.constant(f"{name}.four", 4)], f"{name}.raised")
    total = to.add("Add", [x, to.add("Sqrt", [raised], f"{name}.root")], f"{name}.total")
    return to.add("Mul", [total, to.constant(f"{name}.half", 0.5)], name)


def _tanh_shrink(x: str, name: str, to: Builder) -> str:
    return to.add("Sub", [x, to.add("Tanh", [x], f"{name}.tanh")], name)


def _sparsemax(x: str, size: int, name: str, to: Builder) -> str:
    inputs, outputs = [x, to.integers(f"{name}.size", [size])], [f"{name}.sorted", f"{name}.order"]
    to.nodes.append(helper.make_node("TopK", inputs, outputs, f"{name}.sorted"))
    axis, unity = to.integers(f"{name}.axis", [-1]), to.constant(f"{name}.one", 1)
    sums = to.add("CumSum", [f"{name}.sorted", axis], f"{name}.sums")
    excess = to.add("Sub", [sums, unity], f"{name}.excess")
    counts = to.constant(f"{name}.counts", np.arange(1, size + 1))
    bounds = to.add("Div", [excess, counts], f"{name}.bounds")
    above = to.add("Greater", [f"{name}.sorted", bounds], f"{name}.above")
    support = to.add("Cast", [above], f"{name}.support", to=TensorProto.FLOAT)
    count = to.add("ReduceSum", [support, axis], f"{name}.count", keepdims=1)
    kept = to.add("Mul", [sums, support], f"{name}.kept")
    total = to.add("ReduceSum", [kept, axis], f"{name}.total", keepdims=1)
    rest = to.add("Sub", [total, unity], f"{name}.rest")
    threshold = to.add("Div", [rest, count], f"{name}.threshold")
    return to.add("Relu", [to.add("Sub", [x, threshold], f"{name}.difference")], name)


COMPOSED: dict[ActivationName, Callable[[str, str, Builder], str]] = {
    "relu6": _relu6,
    "silu": _silu,
    "gelu": _gelu,
    "hard_tanh": _hard_tanh,
    "log_sigmoid": _log_sigmoid,
    "sparse_plus": _sparse_plus,
    "squareplus": _squareplus,
    "tanh_shrink": _tanh_shrink,
}
"""The activations that take more than an operator and its attributes."""
