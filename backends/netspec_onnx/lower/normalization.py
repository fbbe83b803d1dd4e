"""Normalization in ONNX."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from netspec.graph import Node
from netspec.language.layers import Shape
from netspec.language.layers.base import axis_indices
from netspec.language.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from netspec_onnx.lower.base import Builder, lower

RMS_OPSET = 23  # the first that has RMSNormalization
LENGTH_FLOOR = 1e-12  # UnitNormalization divides by no less


@lower.register
def _(layer: BatchNormalization, node: Node, to: Builder, x: str) -> str:
    axis = 1 if node.layout == "channels_first" else 1 + layer.channel_axis(node.input_shape)
    if axis == 1:
        return _batch_normalization(layer, node, x, to, node.name)
    # ONNX normalizes axis 1 only, so the axes change places before and after it.
    swap = list(range(1 + len(node.shape)))
    swap[1], swap[axis] = axis, 1
    swapped = to.add("Transpose", [x], f"{node.name}.swapped", perm=swap)
    normalized = _batch_normalization(layer, node, swapped, to, f"{node.name}.normalized")
    return to.add("Transpose", [normalized], node.name, perm=swap)


def _batch_normalization(
    layer: BatchNormalization, node: Node, x: str, to: Builder, name: str
) -> str:
    weights = to.weights_of(node)
    size = to.weights[f"{node.name}.moving_mean"].shape
    gamma = weights.get("gamma") or to.constant(f"{node.name}.gamma", np.ones(size))
    beta = weights.get("beta") or to.constant(f"{node.name}.beta", np.zeros(size))
    inputs = [x, gamma, beta, weights["moving_mean"], weights["moving_variance"]]
    return to.add("BatchNormalization", inputs, name, epsilon=layer.epsilon)


@lower.register
def _(layer: LayerNormalization, node: Node, to: Builder, x: str) -> str:
    indices = layer.indices(node.shape)
    others = [axis for axis in range(len(node.shape)) if axis not in indices]
    first = len(others) + 1
    # ONNX normalizes the last axes, so the other axes are first moved before them.
    order = [0, *(axis + 1 for axis in (*others, *indices))]
    if order == sorted(order):
        return _layer_normalization(layer, node, x, to, node.name, first)
    moved = to.add("Transpose", [x], f"{node.name}.moved", perm=order)
    normalized = _layer_normalization(layer, node, moved, to, f"{node.name}.normalized", first)
    return to.add("Transpose", [normalized], node.name, perm=np.argsort(order))


def _layer_normalization(
    layer: LayerNormalization, node: Node, x: str, to: Builder, name: str, axis: int
) -> str:
    sizes = tuple(node.shape[index] for index in layer.indices(node.shape))
    weights = _weights(node, to, sizes)
    gamma = weights.get("gamma") or to.constant(f"{node.name}.gamma", np.ones(sizes))
    beta = [weights["beta"]] if "beta" in weights else []
    inputs = [x, gamma, *beta]
    return to.add("LayerNormalization", inputs, name, axis=axis, epsilon=layer.epsilon)


def _weights(node: Node, to: Builder, shape: Shape) -> dict[str, str]:
    """Keep the weights of a node in this shape, and return their ONNX names by name."""
    keys = {weight.name: f"{node.name}.{weight.name}" for weight in node.weights}
    return {name: to.constant(key, to.weights[key].reshape(shape)) for name, key in keys.items()}


@lower.register
def _(layer: GroupNormalization, node: Node, to: Builder, x: str) -> str:
    axis = node.dimension(layer.channel_axis(node.shape))
    if axis == 1:
        return _group_normalization(layer, node, x, to, node.name)
    swap = list(range(1 + len(node.shape)))
    swap[1], swap[axis] = axis, 1
    swapped = to.add("Transpose", [x], f"{node.name}.swapped", perm=swap)
    normalized = _group_normalization(layer, node, swapped, to, f"{node.name}.normalized")
    return to.add("Transpose", [normalized], node.name, perm=swap)


def _group_normalization(
    layer: GroupNormalization, node: Node, x: str, to: Builder, name: str
) -> str:
    """Normalize axis 1: each group becomes a channel of an instance, then is reshaped back."""
    count = layer.count(node.shape)
    (channels,) = layer.sizes(node.shape)
    others = [
        size for axis, size in enumerate(node.shape) if axis != layer.channel_axis(node.shape)
    ]
    if node.layout == "channels_last" and len(others) > 1:
        others = _swapped(node.shape, layer.channel_axis(node.shape))
    grouped = to.integers(f"{name}.grouped", [-1, count, prod(node.shape) // count])
    whole = to.integers(f"{name}.whole", [-1, channels, *others])
    ones, zeros = (
        to.constant(f"{name}.{part}", np.full(count, value))
        for part, value in (("ones", 1), ("zeros", 0))
    )
    x = to.add("Reshape", [x, grouped], f"{name}.in_groups")
    inputs = [x, ones, zeros]
    x = to.add("InstanceNormalization", inputs, f"{name}.even", epsilon=layer.epsilon)
    weights = _weights(node, to, (channels, *(1 for _ in others)))
    steps = [("Reshape", whole, f"{name}.apart")]
    steps += [("Mul", weights["gamma"], f"{name}.scaled")] if layer.scale else []
    steps += [("Add", weights["beta"], f"{name}.shifted")] if layer.center else []
    *before, (operator, operand, _) = steps
    for operator_name, value, called in before:
        x = to.add(operator_name, [x, value], called)
    return to.add(operator, [x, operand], name)


def _swapped(shape: Shape, channels: int) -> list[int]:
    """The sizes after the channels, once the channels have changed places with the first axis."""
    sizes = list(shape)
    sizes[0], sizes[channels] = sizes[channels], sizes[0]
    return sizes[1:]


@lower.register
def _(layer: RMSNormalization, node: Node, to: Builder, x: str) -> str:
    scale = to.weights_of(node)["scale"]
    if to.opset >= RMS_OPSET:
        axis = -len(layer.axis)
        inputs = [x, scale]
        return to.add("RMSNormalization", inputs, node.name, axis=axis, epsilon=layer.epsilon)
    name = node.name
    axes = to.integers(f"{name}.axes", [*range(-len(layer.axis), 0)])
    square = to.add("Mul", [x, x], f"{name}.square")
    mean = to.add("ReduceMean", [square, axes], f"{name}.mean", keepdims=1)
    raised = to.add("Add", [mean, to.constant(f"{name}.epsilon", layer.epsilon)], f"{name}.raised")
    root = to.add("Sqrt", [raised], f"{name}.root")
    divided = to.add("Div", [x, root], f"{name}.divided")
    return to.add("Mul", [divided, scale], name)


@lower.register
def _(layer: UnitNormalization, node: Node, to: Builder, x: str) -> str:
    dims = [node.dimension(index) for index in axis_indices(layer.axis, node.shape)]
    return unit(x, dims, LENGTH_FLOOR, node.name, to)


def unit(x: str, dims: Sequence[int], floor: float, name: str, to: Builder) -> str:
    """Divide by the length along some axes, which counts as `floor` where it is shorter."""
    axes = to.integers(f"{name}.axes", dims)
    length = to.add("ReduceL2", [x, axes], f"{name}.length", keepdims=1)
    least = to.constant(f"{name}.floor", floor)
    return to.add("Div", [x, to.add("Max", [length, least], f"{name}.divisor")], name)
