"""A plain NumPy interpreter of graphs: the living definition of every layer.

It is meant to be read, not to be fast. Values are float64 inside and float32 where they leave, so
that what differs from it is the rounding of the other side. Tensors are channels last, with the
batch axis in front. It runs a graph as it was inferred, and after `split_activations`; layers that
only say where a tensor lies in memory have no place in it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import singledispatch
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.graph import INPUT, Graph
from netspec.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
)

Values: TypeAlias = NDArray[np.float64]
Weights: TypeAlias = Mapping[str, NDArray[np.float32]]


def run(
    graph: Graph, weights: Weights, inputs: NDArray[np.float32], training: bool = False
) -> NDArray[np.float32]:
    """The outputs of a graph for a batch of inputs (n, …), with weights by key `<node>.<weight>`.

    In training, BatchNormalization takes the statistics of the batch.
    """
    return run_all(graph, weights, inputs, training)[graph.output.name].astype(np.float32)


def run_all(
    graph: Graph, weights: Weights, inputs: NDArray[np.float32], training: bool = False
) -> dict[str, Values]:
    """The output of every node of a graph, by name, and the input under its own; see `run`."""
    values = {INPUT: inputs.astype(np.float64)}
    for node in graph.nodes:
        own = {
            weight.name: weights[f"{node.name}.{weight.name}"].astype(np.float64)
            for weight in node.weights
        }
        (x,) = (values[name] for name in node.inputs)
        values[node.name] = compute(node.layer, x, own, training)
    return values


@singledispatch
def compute(layer: object, x: Values, w: dict[str, Values], training: bool) -> Values:
    """The output of a layer for a batch of inputs, with its weights by name."""
    raise NotImplementedError(f"the interpreter has no {type(layer).__name__}")


@compute.register
def _(layer: Conv2D, x: Values, w: dict[str, Values], training: bool) -> Values:
    # The input's channels and the filters are cut into groups; each sees only its own.
    inputs = np.split(x, layer.groups, axis=-1)
    kernels = np.split(w["kernel"], layer.groups, axis=-1)
    y = np.concatenate([_convolve(layer, *pair) for pair in zip(inputs, kernels, strict=True)], -1)
    return ACTIVATIONS[layer.activation](y + w.get("bias", 0))


def _convolve(layer: Conv2D, x: Values, kernel: Values) -> Values:
    cells = _cells(x, layer.kernel_size, layer.strides, layer.dilation_rate, layer.padding, 0)
    return sum((patch @ kernel[a, b] for a, b, patch in cells), start=np.float64(0))


@compute.register
def _(layer: MaxPooling2D, x: Values, w: dict[str, Values], training: bool) -> Values:
    cells = _cells(x, layer.pool_size, layer.steps, (1, 1), layer.padding, -np.inf)
    return np.max([patch for _, _, patch in cells], axis=0)


@compute.register
def _(layer: AveragePooling2D, x: Values, w: dict[str, Values], training: bool) -> Values:
    def total(values: Values) -> Values:
        cells = _cells(values, layer.pool_size, layer.steps, (1, 1), layer.padding, 0)
        return np.sum([patch for _, _, patch in cells], axis=0)

    return total(x) / total(np.ones_like(x))  # cells of the padding are not counted


@compute.register
def _(layer: GlobalAveragePooling2D, x: Values, w: dict[str, Values], training: bool) -> Values:
    return x.mean(axis=(1, 2), keepdims=layer.keepdims)


@compute.register
def _(layer: Flatten, x: Values, w: dict[str, Values], training: bool) -> Values:
    return x.reshape(len(x), -1)


@compute.register
def _(layer: Dense, x: Values, w: dict[str, Values], training: bool) -> Values:
    return ACTIVATIONS[layer.activation](x @ w["kernel"] + w.get("bias", 0))


@compute.register
def _(layer: Dropout, x: Values, w: dict[str, Values], training: bool) -> Values:
    if training and layer.rate > 0:
        raise NotImplementedError("masks differ between backends: there is no one right answer")
    return x


@compute.register
def _(layer: BatchNormalization, x: Values, w: dict[str, Values], training: bool) -> Values:
    x = np.moveaxis(x, layer.axis, -1)
    if training:
        others = tuple(range(x.ndim - 1))
        mean, variance = x.mean(axis=others), x.var(axis=others)
    else:
        mean, variance = w["moving_mean"], w["moving_variance"]
    y = w.get("gamma", 1) * (x - mean) / np.sqrt(variance + layer.epsilon) + w.get("beta", 0)
    return np.moveaxis(y, -1, layer.axis)


@compute.register
def _(layer: Activation, x: Values, w: dict[str, Values], training: bool) -> Values:
    return ACTIVATIONS[layer.activation](x)


def _cells(
    x: Values,
    window: tuple[int, int],
    strides: tuple[int, int],
    dilation: tuple[int, int],
    padding: str,
    fill: float,
) -> Iterator[tuple[int, int, Values]]:
    """What each cell (a, b) of a sliding window meets: (n, rows, columns, channels).

    `fill` is the value of the cells that padding 'same' adds.
    """
    if padding == "same":
        sides = [_same(*axis) for axis in zip(x.shape[1:3], window, strides, dilation, strict=True)]
        x = np.pad(x, [(0, 0), *sides, (0, 0)], constant_values=fill)
    (height, width), (down, across) = window, strides
    rows = (x.shape[1] - (height - 1) * dilation[0] - 1) // down + 1
    columns = (x.shape[2] - (width - 1) * dilation[1] - 1) // across + 1
    for a in range(height):
        for b in range(width):
            top, left = a * dilation[0], b * dilation[1]
            yield (
                a,
                b,
                x[:, top : top + rows * down : down, left : left + columns * across : across],
            )


def _same(size: int, cells: int, stride: int, dilation: int) -> tuple[int, int]:
    """What padding 'same' adds in front and behind; the odd cell goes behind, as in TensorFlow."""
    span = (cells - 1) * dilation + 1
    total = max(0, (math.ceil(size / stride) - 1) * stride + span - size)
    return total // 2, total - total // 2


def _sigmoid(x: Values) -> Values:
    return (1 + np.tanh(x / 2)) / 2  # 1 / (1 + exp(-x)), which would overflow


def _hard_sigmoid(x: Values) -> Values:
    return np.clip(x / 6 + 0.5, 0, 1)


def _log_softmax(x: Values) -> Values:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _elu(x: Values) -> Values:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))


_erf = np.vectorize(math.erf, otypes=[np.float64])

# Klambauer et al., 2017, to the precision that the paper's equations give.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

ACTIVATIONS: dict[str, Callable[[Values], Values]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.2 * x),
    "elu": _elu,
    "selu": lambda x: _SELU_SCALE * np.where(x >= 0, x, _SELU_ALPHA * _elu(x)),
    "gelu": lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "tanh": np.tanh,
    "exponential": np.exp,
    "softmax": lambda x: np.exp(_log_softmax(x)),
    "log_softmax": _log_softmax,
}
