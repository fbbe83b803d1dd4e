"""Regularization by its definition."""

from __future__ import annotations

from netspec.language.layers.regularization import (
    Dropout,
    GaussianDropout,
    GaussianNoise,
    SpatialDropout,
)
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(
    layer: Dropout | SpatialDropout | GaussianDropout, w: Own, training: bool, x: Values
) -> Values:
    return _at_prediction(x, training and layer.rate > 0)


@compute.register
def _(layer: GaussianNoise, w: Own, training: bool, x: Values) -> Values:
    return _at_prediction(x, training and layer.stddev > 0)


def _at_prediction(x: Values, random: bool) -> Values:
    if random:
        raise NotImplementedError("masks differ between backends: there is no one right answer")
    return x
