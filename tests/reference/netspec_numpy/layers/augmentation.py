"""Augmentation by its definition, which at prediction is nothing."""

from __future__ import annotations

from netspec.language.layers.augmentation import Augmentation
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: Augmentation, w: Own, training: bool, x: Values) -> Values:
    if training:
        raise NotImplementedError("draws differ between backends: there is no one right answer")
    return x
