"""Pooling in Keras."""

from __future__ import annotations

from netspec.code import square
from netspec.layers import GlobalAveragePooling2D, Pooling2D
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(layer: Pooling2D) -> Call:
    named: dict[str, object] = {}
    if layer.strides is not None:
        named["strides"] = square(layer.strides)
    return [square(layer.pool_size)], named | changed(layer, "padding")


@lower.register
def _(layer: GlobalAveragePooling2D) -> Call:
    return [], changed(layer, "keepdims")
