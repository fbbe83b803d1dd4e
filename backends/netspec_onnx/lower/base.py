"""What a layer becomes in ONNX: the nodes and constants of a graph while it grows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from hashlib import sha256
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from netspec.graph import Node
from netspec.language.layers.axes import DENSE, MULTIPLIER, channels_first
from netspec.numerics.weights import Weights

ConstantKey: TypeAlias = tuple[str, tuple[int, ...], bytes]
"""The type of a constant, its shape, and a hash of its bytes."""


@dataclass
class Builder:
    """The nodes and the constants of an ONNX graph while it grows.

    The keys of `constants` are their content: equal constants are stored once, with the first name.
    """

    opset: int
    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    constants: dict[ConstantKey, TensorProto] = field(
        default_factory=dict[ConstantKey, TensorProto]
    )
    types: dict[str, int] = field(default_factory=dict[str, int])
    """The types of tensors that ONNX cannot infer."""

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        **attributes: Any,  # Any: as in make_node, which finds ONNX's type for a value
    ) -> str:
        """Append a node, and return the name of its output, which is the name of the node."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Keep a value as float32, and return its name."""
        return self._hold(name, np.asarray(value, np.float32))

    def weights_of(self, node: Node) -> dict[str, str]:
        """Keep the weights of a node with ONNX's axes, and return their ONNX names by name."""
        names: dict[str, str] = {}
        for weight in node.weights:
            key = f"{node.name}.{weight.name}"
            value = self.weights[key]
            if weight.axes != DENSE:  # the matrix of a MatMul has Keras's order
                value = np.transpose(value, channels_first(weight.axes))
            # Each output of a depthwise kernel has one input.
            if MULTIPLIER in weight.axes:
                value = value.reshape(-1, 1, *value.shape[2:])
            names[weight.name] = self.constant(key, value)
        return names

    def integers(self, name: str, values: ArrayLike) -> str:
        """Keep shapes, axes or indices as int64, and return the name."""
        return self._hold(name, np.asarray(values, np.int64))

    def doubles(self, name: str, values: ArrayLike) -> str:
        """Keep values as float64, and return the name."""
        return self._hold(name, np.asarray(values, np.float64))

    def _hold(self, name: str, array: NDArray[Any]) -> str:  # Any: float32, float64 or int64
        content = (array.dtype.str, array.shape, sha256(np.ascontiguousarray(array)).digest())
        if content not in self.constants:
            self.constants[content] = numpy_helper.from_array(array, name)
        return self.constants[content].name


@singledispatch
def lower(layer: object, node: Node, to: Builder, *x: str) -> str:
    """Append the operators that compute a node from the tensors `x`; return its tensor's name."""
    raise NotImplementedError(layer)
