"""Folds scaling and shifting of channels into the neighbouring kernels, for prediction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.graph import Graph, Node, activation
from netspec.graph.rewrite import Rewriter
from netspec.language.layers import Dense, Flatten, Layer
from netspec.language.layers.convolution import (
    Conv,
    ConvTranspose,
    DepthwiseConv,
    Kernel,
    SeparableConv,
)
from netspec.language.layers.normalization import BatchNormalization
from netspec.language.layers.preprocessing import Division, Normalization, Rescaling
from netspec.language.layers.shaping import Cropping, ZeroPadding
from netspec.language.layers.window import pads
from netspec.language.layers.wrapping import TimeDistributed
from netspec.numerics.weights import Array, Weights

Values: TypeAlias = NDArray[np.float64]
LayerWeights: TypeAlias = Mapping[str, Values]
"""The weights of a layer, by their names."""

Linear: TypeAlias = Dense | Conv | ConvTranspose | DepthwiseConv | SeparableConv
"""A layer of a kernel and maybe a bias."""

MOST_SHIFT = 8.0
"""The largest shift that is folded into a kernel after it.

x - mean is exact where x is close to the mean. kernel x - kernel mean is not: it has the rounding
error of its terms, which a shift of s standard deviations makes about s times as large as the
result.
"""


def fold_batch_normalization(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Fold BatchNormalization into the convolution or Dense before it, or else after it.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> from netspec.numerics.initial import initial
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [3]
    ... layers:
    ...   - Dense: {units: 2}
    ...   - BatchNormalization
    ... ''').graph
    >>> print(listing(fold_batch_normalization(graph, initial(graph, seed=0))[0]))
    input: (3)
    batch_normalization: (2) = Dense(input) {units: 2}
    output: batch_normalization

    gamma (x - mean) / sqrt(variance + epsilon) + beta is a factor and a summand for every channel.
    A layer that cannot be folded is frozen: it needs no statistics of a batch, so its unread
    positions need not be computed.
    """
    return _folded(_frozen(graph), weights, BatchNormalization)


def fold_rescaling(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Fold Rescaling, Normalization and the division of pixels into kernels, as above.

    >>> from netspec.graph.listing import listing
    >>> from netspec.network import loads
    >>> from netspec.numerics.initial import initial
    >>> graph = loads('''
    ... netspec: 1
    ... name: example
    ... input: [3]
    ... layers:
    ...   - Rescaling: {scale: 0.5}
    ...   - Dense: {units: 2}
    ... ''').graph
    >>> print(listing(fold_rescaling(graph, initial(graph, seed=0))[0]))
    input: (3)
    dense: (2) = Dense(input) {units: 2}
    output: dense
    """
    return _folded(graph, weights, Rescaling, Normalization, Division)


def _frozen(graph: Graph) -> Graph:
    return replace(graph, nodes=tuple(map(_frozen_node, graph.nodes)))


def _frozen_node(node: Node) -> Node:
    if not isinstance(node.layer, BatchNormalization):
        return node
    return replace(node, layer=node.layer.model_copy(update={"trainable": False}))


@dataclass(frozen=True)
class _Affine:
    """y[…, c] = factor[c] x[…, c] + offset[c], both (channels,)."""

    factor: Values
    offset: Values

    @property
    def shifts(self) -> bool:
        return bool(self.offset.any())


@singledispatch
def _affine(_layer: Layer, _node: Node, _values: LayerWeights) -> _Affine | None:
    """The scaling of channels that a layer is; None for other layers."""
    return None


@_affine.register
def _(layer: BatchNormalization, node: Node, values: LayerWeights) -> _Affine | None:
    if layer.channel_axis(node.shape) != len(node.shape) - 1:
        return None
    ones = np.ones(node.shape[-1])
    factor = values.get("gamma", ones) / np.sqrt(values["moving_variance"] + layer.epsilon)
    return _Affine(factor, values.get("beta", 0 * ones) - factor * values["moving_mean"])


@_affine.register
def _(layer: Rescaling, node: Node, _values: LayerWeights) -> _Affine:
    return _along_channels(layer.scale, layer.offset, node)


@_affine.register
def _(layer: Division, node: Node, _values: LayerWeights) -> _Affine:
    return _along_channels((1 / layer.divisor,), (0.0,), node)


@_affine.register
def _(layer: Normalization, node: Node, _values: LayerWeights) -> _Affine | None:
    mean, deviation = np.array(layer.mean), np.array(layer.deviation)
    if len(mean) > 1 and layer.listed_axis(node.shape) != len(node.shape) - 1:
        return None
    if layer.invert:
        return _along_channels(deviation, mean, node)
    return _along_channels(1 / deviation, -mean / deviation, node)


def _along_channels(factor: Iterable[float], offset: Iterable[float], node: Node) -> _Affine:
    channels = node.shape[-1:]
    both = (np.array([*numbers], np.float64) for numbers in (factor, offset))
    return _Affine(*(np.broadcast_to(numbers, channels) for numbers in both))


def _folded(graph: Graph, weights: Weights, *kinds: type[Layer]) -> tuple[Graph, Weights]:
    """Fold layers of some kinds into the layer before them, or else into the layers after them."""
    folded = _Folded(graph, weights)
    with np.errstate(all="ignore"):  # what is not finite is not folded
        for node in graph.nodes:
            if isinstance(node.layer, kinds):
                folded.into_former(node)
        for node in reversed(folded.rewriter.graph().nodes):
            if isinstance(node.layer, kinds):
                folded.into_latter(node)
    return folded.rewriter.graph(), folded.weights


_Changed: TypeAlias = tuple[Node, Mapping[str, Array]]
"""A node with another kernel and bias, and its weights by their names."""


class _Folded:
    """A graph and its weights, while some nodes become part of others.

    A layer takes the name of the later layer that is folded into it: a name keeps its values.
    """

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.rewriter = Rewriter(graph)
        self.weights: dict[str, Array] = dict(weights)

    def into_former(self, node: Node) -> None:
        """Fold a node into the layer before it, if that has one reader and no activation."""
        former = self.rewriter.nodes.get(node.inputs[0])
        affine = _affine(node.layer, node, self._weights_of(node))
        layer = _inner(former) if former else None
        if affine is None or former is None or not isinstance(layer, Linear):
            return
        if not self.rewriter.has_one_reader(former.name) or activation(layer) != "linear":
            return
        folded = _with_outputs(layer, self._weights_of(former), affine)
        changed = _changed(replace(former, name=node.name), layer, folded)
        if changed is not None:
            self._remove(former)
            self._put(*changed)

    def into_latter(self, node: Node) -> None:
        """Fold a node into the layers that read it, if each of them can take it."""
        affine = _affine(node.layer, node, self._weights_of(node))
        if affine is None or not np.abs(affine.offset).max() <= MOST_SHIFT:
            return
        changed = self._taken(node.name, affine)
        if changed is None:
            return
        for node_weights in changed:
            self._put(*node_weights)
        self.rewriter.redirect(node.name, node.inputs[0])
        self._remove(node)

    def _taken(self, name: str, affine: _Affine) -> list[_Changed] | None:
        """The readers of a tensor, changed to work without a scaling of it; None if one cannot."""
        changes: list[_Changed] = []
        scaled = [(name, affine)]
        while scaled:
            name, affine = scaled.pop()
            if self.rewriter.is_output(name):
                return None
            for reader in self.rewriter.readers(name):
                moved = _moved(reader, affine)
                if moved is not None:
                    scaled.append((reader.name, moved))
                    continue
                changed = _taking(reader, self._weights_of(reader), affine)
                if changed is None:
                    return None
                changes.append(changed)
        return changes

    def _weights_of(self, node: Node) -> LayerWeights:
        return {
            weight.name: self.weights[f"{node.name}.{weight.name}"].astype(np.float64)
            for weight in node.weights
        }

    def _put(self, node: Node, values: Mapping[str, Array]) -> None:
        """Replace the node of the same name, and its weights."""
        self._forget_weights(self.rewriter.nodes[node.name])
        self.rewriter.replace(node)
        self.weights |= {f"{node.name}.{name}": value for name, value in values.items()}

    def _remove(self, node: Node) -> None:
        self._forget_weights(node)
        self.rewriter.remove(node.name)

    def _forget_weights(self, node: Node) -> None:
        for weight in node.weights:
            del self.weights[f"{node.name}.{weight.name}"]


def _inner(node: Node) -> Layer:
    """The layer of a node, or the layer that it runs on every step separately."""
    return node.layer.layer if isinstance(node.layer, TimeDistributed) else node.layer


def _moved(node: Node, affine: _Affine) -> _Affine | None:
    """A scaling before a layer as a scaling after it, for layers that only move values."""
    match node.layer:
        case Flatten():
            times = prod(node.input_shape[:-1])
            return _Affine(np.tile(affine.factor, times), np.tile(affine.offset, times))
        case Cropping():
            return affine
        case ZeroPadding():
            return None if affine.shifts else affine
        case _:
            return None


def _with_outputs(layer: Linear, values: LayerWeights, affine: _Affine) -> LayerWeights:
    """The weights of a layer whose output is scaled and shifted."""
    name = "pointwise_kernel" if isinstance(layer, SeparableConv) else "kernel"
    match layer:
        case ConvTranspose():  # (…, out, in)
            factor = affine.factor[:, None]
        case DepthwiseConv():  # (…, in, multiplier)
            factor = affine.factor.reshape(values[name].shape[-2:])
        case _:  # (…, in, out)
            factor = affine.factor
    bias = values.get("bias", 0.0) * affine.factor + affine.offset
    return {**values, name: values[name] * factor, "bias": bias}


def _taking(node: Node, values: LayerWeights, affine: _Affine) -> _Changed | None:
    """A layer that reads values before the scaling and the shift; None where it cannot."""
    layer = _inner(node)
    if not isinstance(layer, Linear) or (affine.shifts and _is_padded(node, layer)):
        return None
    return _changed(node, layer, _with_inputs(layer, values, affine))


def _is_padded(node: Node, layer: Linear) -> bool:
    """Whether a kernel reads zeros, which are not shifted, or fewer positions at the edges."""
    if not isinstance(layer, Kernel):
        return False
    space = node.input_shape[-1 - len(layer.extents) : -1]
    axes = zip(space, layer.extents, layer.strides, strict=True)
    return isinstance(layer, ConvTranspose) or any(any(pads(*axis, layer.padding)) for axis in axes)


def _with_inputs(layer: Linear, values: LayerWeights, affine: _Affine) -> LayerWeights:
    """The weights of a layer that scales and shifts its inputs itself."""
    name = "depthwise_kernel" if isinstance(layer, SeparableConv) else "kernel"
    kernel = values[name]
    space = tuple(range(kernel.ndim - 2))
    match layer:
        case ConvTranspose():  # (…, out, in)
            factor = affine.factor
            shift = np.zeros(layer.filters)  # a transposed convolution takes no shifts
        case DepthwiseConv():  # (…, in, multiplier)
            factor = affine.factor[:, None]
            shift = (kernel.sum(axis=space) * affine.offset[:, None]).ravel()
        case SeparableConv():
            factor = affine.factor[:, None]
            shift = (kernel.sum(axis=space) * affine.offset[:, None]).ravel()
            shift = shift @ values["pointwise_kernel"].reshape(len(shift), -1)
        case _:  # (…, in, out)
            factor = _by_filter(affine.factor, layer)
            shift = (kernel.sum(axis=space) * _by_filter(affine.offset, layer)).sum(axis=0)
    return {**values, name: kernel * factor, "bias": values.get("bias", 0.0) + shift}


def _by_filter(channels: Values, layer: Dense | Conv) -> Values:
    """Values of the input channels as (in, 1), or as (in of a group, out) with groups."""
    if isinstance(layer, Dense) or layer.groups == 1:
        return channels[:, None]
    return channels.reshape(layer.groups, -1).T.repeat(layer.filters // layer.groups, axis=1)


def _changed(node: Node, layer: Linear, values: LayerWeights) -> _Changed | None:
    """A node whose layer has other weights, rounded once; None where one of them is not finite."""
    rounded = {name: value.astype(np.float32) for name, value in values.items()}
    if not all(np.isfinite(value).all() for value in rounded.values()):
        return None
    use_bias = layer.use_bias or bool(rounded["bias"].any())
    if not use_bias:
        del rounded["bias"]
    biased = layer.model_copy(update={"use_bias": use_bias})
    if isinstance(node.layer, TimeDistributed):
        biased = node.layer.model_copy(update={"layer": biased})
    return replace(node, layer=biased), rounded
