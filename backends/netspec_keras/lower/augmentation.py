"""Augmentation in Keras."""

from __future__ import annotations

from netspec.language.layers.augmentation import (
    Moved,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
    Range,
)
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(layer: RandomFlip) -> Call:
    return [layer.mode], {}


@lower.register
def _(layer: RandomTranslation) -> Call:
    return [_factor(layer.height_factor), _factor(layer.width_factor)], _outside(layer)


@lower.register
def _(layer: RandomRotation) -> Call:
    return [_factor(layer.factor)], _outside(layer)


@lower.register
def _(layer: RandomZoom) -> Call:
    factors: list[object] = [_factor(layer.height_factor)]
    if layer.width_factor is not None:
        factors.append(_factor(layer.width_factor))
    return factors, _outside(layer)


def _factor(factor: Range) -> float | Range:
    """0.2 for (-0.2, 0.2), as people write it."""
    return factor[1] if factor[0] == -factor[1] else factor


def _outside(layer: Moved) -> dict[str, object]:
    return changed(layer, "fill_mode", "interpolation", "fill_value")
