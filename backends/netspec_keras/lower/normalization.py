"""Normalization in Keras."""

from __future__ import annotations

from netspec.layers import BatchNormalization
from netspec_keras.lower.base import Call, changed, initializers, lower


@lower.register
def _(layer: BatchNormalization) -> Call:
    named = changed(layer, "axis", "momentum", "epsilon", "center", "scale")
    return [], named | initializers(layer)
