"""The indices that Embeddings look up: computed and checked before a network sees them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce, singledispatch
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.checks.indices import embeddings, index_count, index_nodes
from netspec.graph import Graph
from netspec.language.layers import Flatten, Layer
from netspec.language.layers.core import Identity
from netspec.language.layers.merging import Add, Concatenate, Maximum, Minimum, Multiply, Subtract
from netspec.language.layers.preprocessing import Rescaling
from netspec.language.layers.shaping import (
    Cropping,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling,
    ZeroPadding,
)
from netspec.language.layers.wrapping import TimeDistributed
from netspec.text.diagnostics import DataError

Values: TypeAlias = NDArray[np.float32]


def check_indices(graph: Graph, inputs: Sequence[Values], data: str) -> None:
    """Raise DataError where an Embedding would look for a vector that it does not have.

    `inputs` are the inputs of the network (n, …), and `data` is their name in errors.
    """
    values = {input_.name: array for input_, array in zip(graph.inputs, inputs, strict=True)}
    for node in index_nodes(graph):
        if index_count(node.layer) is None:
            values[node.name] = computed(node.layer, *(values[name] for name in node.inputs))
    for node in embeddings(graph):
        looked_up = values[node.inputs[0]]
        count = index_count(node.layer) or 0
        within = (looked_up >= 0) & (looked_up < count)
        whole = looked_up == np.floor(looked_up)
        if (wrong := looked_up[~(within & whole)]).size:
            _refuse(float(wrong[0]), node.name, count, data)


def _refuse(index: float, name: str, count: int, data: str) -> None:
    """Raise the error for an index that an Embedding cannot look up."""
    if index != np.floor(index):
        message = f"the {data} hold the index {index:g}, and {name} looks up whole numbers"
        raise DataError(message, "indices are never scaled: store them as whole numbers from 0")
    message = f"the {data} hold the index {index:g}, and {name} has {count:,}"
    raise DataError(message, "indices count from 0: raise input_dim, or change the data")


@singledispatch
def computed(layer: Layer, *inputs: Values) -> Values:
    """The output (n, …) of a layer that keeps whole numbers whole."""
    raise NotImplementedError(layer.tag)


@computed.register
def _(layer: TimeDistributed, x: Values) -> Values:
    count, steps = x.shape[:2]
    output = computed(layer.layer, x.reshape(count * steps, *x.shape[2:]))
    return output.reshape(count, steps, *output.shape[1:])


@computed.register
def _(_layer: Identity, x: Values) -> Values:
    return x


@computed.register
def _(layer: Flatten | Reshape, x: Values) -> Values:
    return x.reshape(len(x), *layer.infer_shape((x.shape[1:],)))


@computed.register
def _(layer: Permute, x: Values) -> Values:
    return x.transpose(0, *layer.dims)


@computed.register
def _(layer: RepeatVector, x: Values) -> Values:
    return np.stack([x] * layer.n, 1)


@computed.register
def _(layer: ZeroPadding, x: Values) -> Values:
    return np.pad(x, ((0, 0), *layer.sides, (0, 0)))


@computed.register
def _(layer: Cropping, x: Values) -> Values:
    space = (slice(before, -after or None) for before, after in layer.sides)
    return x[(slice(None), *space)]


@computed.register
def _(layer: UpSampling, x: Values) -> Values:
    for axis, factor in enumerate(layer.factors, 1):
        x = x.repeat(factor, axis)
    return x


@computed.register
def _(layer: Concatenate, *inputs: Values) -> Values:
    return np.concatenate(inputs, layer.axis)


_COMBINATIONS = {
    Add: np.add,
    Subtract: np.subtract,
    Multiply: np.multiply,
    Maximum: np.maximum,
    Minimum: np.minimum,
}


@computed.register
def _(layer: Add | Subtract | Multiply | Maximum | Minimum, *inputs: Values) -> Values:
    return reduce(_COMBINATIONS[type(layer)], inputs)


@computed.register
def _(layer: Rescaling, x: Values) -> Values:
    return x * np.array(layer.scale, np.float32) + np.array(layer.offset, np.float32)
