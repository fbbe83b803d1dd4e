"""What a layer becomes in ONNX: the nodes and constants of a graph while it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import NodeProto, TensorProto, helper, numpy_helper

from netspec.graph import Node
from netspec.weights import Weights, permutation

_LEADING = {
    ("in", "out"): ("out", "in"),
    ("out", "in"): ("in", "out"),
    ("in", "multiplier"): ("in", "multiplier"),
}
"""ONNX's first axes of a kernel by Keras's last ones: plain, transposed and depthwise."""


def onnx_axes(axes: tuple[str, ...]) -> tuple[str, ...]:
    """ONNX's order of a weight's axes: a convolution's has its space behind outputs and inputs."""
    leading = _LEADING.get(axes[-2:]) if len(axes) > 2 else None
    return (*leading, *axes[:-2]) if leading else axes


@dataclass
class Builder:
    """The nodes and the constants of an ONNX graph while it grows."""

    opset: int
    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    constants: list[TensorProto] = field(default_factory=list[TensorProto])

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        **attributes: Any,  # Any: as in make_node, which finds ONNX's type for a value
    ) -> str:
        """Append a node. Gives the name of its output, which is the node's own."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Keep a value as float32. Gives its name."""
        array = np.asarray(value, np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weights_of(self, node: Node) -> dict[str, str]:
        """Keep the weights of a node with ONNX's axes. Gives their keys by their names."""
        keys = {weight.name: f"{node.name}.{weight.name}" for weight in node.weights}
        for weight in node.weights:
            axes = permutation(weight.axes, onnx_axes(weight.axes))
            key = keys[weight.name]
            value = np.transpose(self.weights[key], axes)
            # Each output of a depthwise kernel has one input.
            if weight.axes[-1:] == ("multiplier",):
                value = value.reshape(-1, 1, *value.shape[2:])
            self.constant(key, value)
        return keys

    def integers(self, name: str, values: ArrayLike) -> str:
        """Keep values as int64, which shapes, axes and indices are. Gives its name."""
        self.constants.append(numpy_helper.from_array(np.asarray(values, np.int64), name))
        return name


@singledispatch
def lower(layer: object, node: Node, to: Builder, *x: str) -> str:
    """Append what computes a node from the tensors `x`. Gives the name of the node's tensor."""
    raise NotImplementedError(layer)
