"""Lowers every layer to ONNX's operators, one short function each, by family."""

from __future__ import annotations

from netspec.language.layers import FAMILIES as VOCABULARY
from netspec.language.layers.families import family_modules
from netspec_onnx.lower.base import Builder, lower

FAMILIES = family_modules(__name__)
"""The modules that register their layers."""

_NOTHING = "nothing: it acts in training only"

NOTES: dict[str, str] = {
    **dict.fromkeys((*VOCABULARY["regularization"], *VOCABULARY["augmentation"]), _NOTHING),
    "TimeDistributed": "as the layer inside",
}
"""Notes for the page of the layers, for layers that are not lowered like the others."""

__all__ = ["FAMILIES", "NOTES", "Builder", "lower"]
