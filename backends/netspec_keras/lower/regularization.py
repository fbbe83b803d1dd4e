"""Regularization in Keras."""

from __future__ import annotations

from netspec.language.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
)
from netspec_keras.lower.base import Call, lower


@lower.register
def _(layer: Dropout) -> Call:
    if layer.noise_shape is None:
        return [layer.rate], {}
    return [layer.rate], {"noise_shape": (None, *layer.noise_shape)}


@lower.register
def _(layer: SpatialDropout | GaussianDropout) -> Call:
    return [layer.rate], {}


@lower.register
def _(layer: GaussianNoise) -> Call:
    return [layer.stddev], {}
