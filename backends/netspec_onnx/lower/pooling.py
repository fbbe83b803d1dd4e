"""Pooling in ONNX."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.graph import Node
from netspec.language.layers.pooling import (
    AveragePooling,
    GlobalAveragePooling,
    GlobalMaxPooling,
    GlobalPooling,
    MaxPooling,
    WindowPooling,
)
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.window import onnx_pads


@lower.register
def _(layer: MaxPooling, node: Node, to: Builder, x: str) -> str:
    return to.add("MaxPool", [x], node.name, **_window(layer, node))


@lower.register
def _(layer: AveragePooling, node: Node, to: Builder, x: str) -> str:
    return to.add("AveragePool", [x], node.name, count_include_pad=0, **_window(layer, node))


def _window(layer: WindowPooling, node: Node) -> dict[str, Sequence[int]]:
    padding = onnx_pads(node.input_shape[:-1], layer.window, layer.steps, layer.padding)
    return {"kernel_shape": layer.window, "strides": layer.steps, "pads": padding}


@lower.register
def _(layer: GlobalMaxPooling, node: Node, to: Builder, x: str) -> str:
    return _over_space("GlobalMaxPool", layer, node, to, x)


@lower.register
def _(layer: GlobalAveragePooling, node: Node, to: Builder, x: str) -> str:
    return _over_space("GlobalAveragePool", layer, node, to, x)


def _over_space(operator: str, layer: GlobalPooling, node: Node, to: Builder, x: str) -> str:
    if layer.keepdims:
        return to.add(operator, [x], node.name)
    pooled = to.add(operator, [x], f"{node.name}.pooled")
    return to.add("Flatten", [pooled], node.name, axis=1)
