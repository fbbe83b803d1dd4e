"""Merging in Keras."""

from __future__ import annotations

from netspec.backend.emit.code import square
from netspec.language.layers.merging import Concatenate, Dot, Elementwise
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(_layer: Elementwise) -> Call:
    return [], {}


@lower.register
def _(layer: Concatenate) -> Call:
    return [], changed(layer, "axis")


@lower.register
def _(layer: Dot) -> Call:
    return [], {"axes": square(layer.axes), **changed(layer, "normalize")}
