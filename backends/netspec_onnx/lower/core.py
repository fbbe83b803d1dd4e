"""Layers without an idea of space, and the activations, in ONNX."""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt

from netspec.graph import Node
from netspec.layers import Activation, Dense, Flatten, Transpose
from netspec.layers.activations import (
    LEAKY_RELU_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    ActivationName,
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
}
"""The activations that are one operator, with its attributes."""


@lower.register
def _(layer: Activation, node: Node, to: Builder, x: str) -> str:
    return activated(layer.activation, x, node.name, to)


def activated(activation: ActivationName, x: str, name: str, to: Builder) -> str:
    """Append an activation of a tensor. Gives the name of what comes out."""
    if activation == "linear":
        return x
    if compose := COMPOSED.get(activation):
        return compose(x, name, to)
    operator, attributes = OPERATORS[activation]
    return to.add(operator, [x], name, **attributes)


def _relu6(x: str, name: str, to: Builder) -> str:
    bounds = [to.constant(f"{name}.min", 0), to.constant(f"{name}.max", 6)]
    return to.add("Clip", [x, *bounds], name)


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


COMPOSED: dict[ActivationName, Callable[[str, str, Builder], str]] = {
    "relu6": _relu6,
    "silu": _silu,
    "gelu": _gelu,
}
"""The activations that take more than an operator and its attributes."""
