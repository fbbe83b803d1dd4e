"""Lowers every layer to Keras, one short function each, by family."""

from __future__ import annotations

from netspec.language.layers.families import family_modules
from netspec_keras.lower.base import Call, applied, class_name, frozen_once_built, lower, trained

FAMILIES = family_modules(__name__)
"""The modules that register their layers."""

_DILATED = "yes; TensorFlow on a CPU computes dilated ones with oneDNN only"

NOTES: dict[str, str] = {
    "Conv1DTranspose": _DILATED,
    "Conv2DTranspose": _DILATED,
    "Conv3DTranspose": _DILATED,
}
"""Notes for the page of the layers, for layers that are not lowered like the others."""

__all__ = [
    "FAMILIES",
    "NOTES",
    "Call",
    "applied",
    "class_name",
    "frozen_once_built",
    "lower",
    "trained",
]
