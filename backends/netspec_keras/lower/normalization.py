"""Normalization in Keras."""

from __future__ import annotations

from netspec.language.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
from netspec_keras.lower.base import Call, axes, changed, initializers, lower


@lower.register
def _(layer: BatchNormalization) -> Call:
    named = changed(layer, "axis", "momentum", "epsilon", "center", "scale")
    return [], named | initializers(layer)


@lower.register
def _(layer: LayerNormalization) -> Call:
    return [], axes(layer) | changed(layer, "epsilon", "center", "scale") | initializers(layer)


@lower.register
def _(layer: GroupNormalization) -> Call:
    named = changed(layer, "groups", "axis", "epsilon", "center", "scale")
    return [], named | initializers(layer)


@lower.register
def _(layer: RMSNormalization) -> Call:
    return [], axes(layer) | changed(layer, "epsilon")


@lower.register
def _(layer: UnitNormalization) -> Call:
    return [], axes(layer)
