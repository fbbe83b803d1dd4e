"""Normalization in ONNX."""

from __future__ import annotations

import numpy as np

from netspec.graph import Node
from netspec.layers import BatchNormalization
from netspec_onnx.lower.base import Builder, lower


@lower.register
def _(layer: BatchNormalization, node: Node, to: Builder, x: str) -> str:
    axis = 1 if node.layout == "channels_first" else 1 + layer.channel_axis(node.input_shape)
    if axis == 1:
        return _batch_normalization(layer, node, x, to, node.name)
    # ONNX normalizes axis 1 alone, so the axes change places for that long.
    swap = list(range(1 + len(node.shape)))
    swap[1], swap[axis] = axis, 1
    swapped = to.add("Transpose", [x], f"{node.name}.swapped", perm=swap)
    normalized = _batch_normalization(layer, node, swapped, to, f"{node.name}.normalized")
    return to.add("Transpose", [normalized], node.name, perm=swap)


def _batch_normalization(
    layer: BatchNormalization, node: Node, x: str, to: Builder, name: str
) -> str:
    held = to.weights_of(node)
    size = to.weights[held["moving_mean"]].shape
    gamma = held.get("gamma") or to.constant(f"{node.name}.gamma", np.ones(size))
    beta = held.get("beta") or to.constant(f"{node.name}.beta", np.zeros(size))
    inputs = [x, gamma, beta, held["moving_mean"], held["moving_variance"]]
    return to.add("BatchNormalization", inputs, name, epsilon=layer.epsilon)
