"""Pooling in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.graph import Node
from netspec.layers import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Pooling2D,
)
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.window import onnx_pads


@lower.register
def _(layer: MaxPooling2D, node: Node, to: Builder, x: str) -> str:
    return to.add("MaxPool", [x], node.name, **_window(layer, node))


@lower.register
def _(layer: AveragePooling2D, node: Node, to: Builder, x: str) -> str:
    return to.add("AveragePool", [x], node.name, count_include_pad=0, **_window(layer, node))


def _window(layer: Pooling2D, node: Node) -> dict[str, Sequence[int]]:
    cells = onnx_pads(node.input_shape[:-1], layer.pool_size, layer.steps, layer.padding)
    return {"kernel_shape": layer.pool_size, "strides": layer.steps, "pads": cells}


@lower.register
def _(layer: GlobalAveragePooling2D, node: Node, to: Builder, x: str) -> str:
    if layer.keepdims:
        return to.add("GlobalAveragePool", [x], node.name)
    means = to.add("GlobalAveragePool", [x], f"{node.name}.means")
    return to.add("Flatten", [means], node.name, axis=1)
