"""Scaling and shifting of channels folded into the kernels beside them, for prediction."""

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
Own: TypeAlias = Mapping[str, Values]
"""The weights of a layer, by their names."""

Linear: TypeAlias = Dense | Conv | ConvTranspose | DepthwiseConv | SeparableConv
"""A layer of a kernel and maybe a bias."""

MOST_SHIFT = 8.0
"""The largest shift that goes into a kernel behind it.

x - mean is exact where x is close to the mean, and kernel x - kernel mean is not: it is rounded as
its terms are, which a shift of s standard deviations makes about s times as large as the result.
"""


def fold_batch_normalization(graph: Graph, weights: Weights) -> tuple[Graph, Weights]:
    """Fold BatchNormalization into the convolution or Dense before it, or else behind it.

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
    One that cannot be folded is frozen, since it needs no statistics of a batch: what nothing reads
    of it need not be computed.
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
def _affine(_layer: Layer, _node: Node, _own: Own) -> _Affine | None:
    """What a layer does to its channels, where it is that alone."""
    return None


@_affine.register
def _(layer: BatchNormalization, node: Node, own: Own) -> _Affine | None:
    if layer.channel_axis(node.shape) != len(node.shape) - 1:
        return None
    ones = np.ones(node.shape[-1])
    factor = own.get("gamma", ones) / np.sqrt(own["moving_variance"] + layer.epsilon)
    return _Affine(factor, own.get("beta", 0 * ones) - factor * own["moving_mean"])


@_affine.register
def _(layer: Rescaling, node: Node, _own: Own) -> _Affine:
    return _along_channels(layer.scale, layer.offset, node)


@_affine.register
def _(layer: Division, node: Node, _own: Own) -> _Affine:
    return _along_channels((1 / layer.divisor,), (0.0,), node)


@_affine.register
def _(layer: Normalization, node: Node, _own: Own) -> _Affine | None:
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
    """Fold layers of some kinds into what stands before them, and else into what stands behind."""
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

    A layer takes the name of the one after it that is folded into it: a name keeps its values.
    """

    def __init__(self, graph: Graph, weights: Weights) -> None:
        self.rewriter = Rewriter(graph)
        self.weights: dict[str, Array] = dict(weights)

    def into_former(self, node: Node) -> None:
        """Fold a node into the layer before it, which nothing else reads and nothing activates."""
        former = self.rewriter.nodes.get(node.inputs[0])
        affine = _affine(node.layer, node, self._own(node))
        layer = _inner(former) if former else None
        if affine is None or former is None or not isinstance(layer, Linear):
            return
        if not self.rewriter.has_one_reader(former.name) or activation(layer) != "linear":
            return
        own = _with_outputs(layer, self._own(former), affine)
        changed = _changed(replace(former, name=node.name), layer, own)
        if changed is not None:
            self._remove(former)
            self._put(*changed)

    def into_latter(self, node: Node) -> None:
        """Fold a node into the layers that read it, if each of them can take it."""
        affine = _affine(node.layer, node, self._own(node))
        if affine is None or not np.abs(affine.offset).max() <= MOST_SHIFT:
            return
        changed = self._taken(node.name, affine)
        if changed is None:
            return
        for each in changed:
            self._put(*each)
        self.rewriter.redirect(node.name, node.inputs[0])
        self._remove(node)

    def _taken(self, name: str, affine: _Affine) -> list[_Changed] | None:
        """What reads a tensor as it is without a scaling of it; None where something cannot."""
        found: list[_Changed] = []
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
                taken = _taking(reader, self._own(reader), affine)
                if taken is None:
                    return None
                found.append(taken)
        return found

    def _own(self, node: Node) -> Own:
        return {
            weight.name: self.weights[f"{node.name}.{weight.name}"].astype(np.float64)
            for weight in node.weights
        }

    def _put(self, node: Node, own: Mapping[str, Array]) -> None:
        """Put a node with its weights in the place of the one with its name."""
        self._forget_weights(self.rewriter.nodes[node.name])
        self.rewriter.replace(node)
        self.weights |= {f"{node.name}.{name}": value for name, value in own.items()}

    def _remove(self, node: Node) -> None:
        self._forget_weights(node)
        self.rewriter.remove(node.name)

    def _forget_weights(self, node: Node) -> None:
        for weight in node.weights:
            del self.weights[f"{node.name}.{weight.name}"]


def _inner(node: Node) -> Layer:
    """The layer of a node, or what it runs on every step by itself."""
    return node.layer.layer if isinstance(node.layer, TimeDistributed) else node.layer


def _moved(node: Node, affine: _Affine) -> _Affine | None:
    """What a scaling before a layer is behind it, for layers that move values alone."""
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


def _with_outputs(layer: Linear, own: Own, affine: _Affine) -> Own:
    """The weights of a layer that gives what it gave, scaled and shifted."""
    name = "pointwise_kernel" if isinstance(layer, SeparableConv) else "kernel"
    match layer:
        case ConvTranspose():  # (…, out, in)
            factor = affine.factor[:, None]
        case DepthwiseConv():  # (…, in, multiplier)
            factor = affine.factor.reshape(own[name].shape[-2:])
        case _:  # (…, in, out)
            factor = affine.factor
    bias = own.get("bias", 0.0) * affine.factor + affine.offset
    return {**own, name: own[name] * factor, "bias": bias}


def _taking(node: Node, own: Own, affine: _Affine) -> _Changed | None:
    """A layer that reads what is not yet scaled and shifted; None where it cannot."""
    layer = _inner(node)
    if not isinstance(layer, Linear) or (affine.shifts and _is_padded(node, layer)):
        return None
    return _changed(node, layer, _with_inputs(layer, own, affine))


def _is_padded(node: Node, layer: Linear) -> bool:
    """Whether a kernel meets zeros, which are not shifted, or fewer cells at the edges."""
    if not isinstance(layer, Kernel):
        return False
    space = node.input_shape[-1 - len(layer.extents) : -1]
    axes = zip(space, layer.extents, layer.strides, strict=True)
    return isinstance(layer, ConvTranspose) or any(any(pads(*axis, layer.padding)) for axis in axes)


def _with_inputs(layer: Linear, own: Own, affine: _Affine) -> Own:
    """The weights of a layer that scales and shifts its inputs itself."""
    name = "depthwise_kernel" if isinstance(layer, SeparableConv) else "kernel"
    kernel = own[name]
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
            shift = shift @ own["pointwise_kernel"].reshape(len(shift), -1)
        case _:  # (…, in, out)
            factor = _by_filter(affine.factor, layer)
            shift = (kernel.sum(axis=space) * _by_filter(affine.offset, layer)).sum(axis=0)
    return {**own, name: kernel * factor, "bias": own.get("bias", 0.0) + shift}


def _by_filter(channels: Values, layer: Dense | Conv) -> Values:
    """What belongs to every input channel, as (in, 1), or (in of a group, out) with groups."""
    if isinstance(layer, Dense) or layer.groups == 1:
        return channels[:, None]
    return channels.reshape(layer.groups, -1).T.repeat(layer.filters // layer.groups, axis=1)


def _changed(node: Node, layer: Linear, own: Own) -> _Changed | None:
    """A node whose layer has other weights, rounded once; None where one of them is not finite."""
    rounded = {name: value.astype(np.float32) for name, value in own.items()}
    if not all(np.isfinite(value).all() for value in rounded.values()):
        return None
    use_bias = layer.use_bias or bool(rounded["bias"].any())
    if not use_bias:
        del rounded["bias"]
    biased = layer.model_copy(update={"use_bias": use_bias})
    if isinstance(node.layer, TimeDistributed):
        biased = node.layer.model_copy(update={"layer": biased})
    return replace(node, layer=biased), rounded
