"""Pooling in Keras."""

from __future__ import annotations

from netspec.backend.emit.code import square
from netspec.language.layers.pooling import GlobalPooling, WindowPooling
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(layer: WindowPooling) -> Call:
    named = {} if layer.steps == layer.window else {"strides": square(layer.steps)}
    return [square(layer.window)], named | changed(layer, "padding")


@lower.register
def _(layer: GlobalPooling) -> Call:
    return [], changed(layer, "keepdims")
