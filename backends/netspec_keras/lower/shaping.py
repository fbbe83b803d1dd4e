"""Layers that move values, in Keras."""

from __future__ import annotations

from netspec.backend.emit.code import square
from netspec.language.layers.shaping import (
    Cropping,
    Permute,
    RepeatVector,
    Reshape,
    UpSampling,
    UpSampling2D,
    ZeroPadding,
)
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(layer: Reshape) -> Call:
    return [layer.target_shape], {}


@lower.register
def _(layer: Permute) -> Call:
    return [layer.dims], {}


@lower.register
def _(layer: RepeatVector) -> Call:
    return [layer.n], {}


@lower.register
def _(layer: ZeroPadding | Cropping) -> Call:
    widths = {width for sides in layer.sides for width in sides}
    if len(widths) == 1:
        return [*widths], {}
    if all(before == after for before, after in layer.sides):
        return [tuple(before for before, _ in layer.sides)], {}
    return [layer.sides[0] if layer.rank == 1 else layer.sides], {}


@lower.register
def _(layer: UpSampling) -> Call:
    named = changed(layer, "interpolation") if isinstance(layer, UpSampling2D) else {}
    return [square(layer.factors)], named
