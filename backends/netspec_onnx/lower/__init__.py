"""Lowers every layer to ONNX's operators, one short function each, by family."""

from __future__ import annotations

from netspec_onnx.lower import (
    convolution,
    core,
    merging,
    normalization,
    pooling,
    recurrent,
    regularization,
    shaping,
    wrapping,
)
from netspec_onnx.lower.base import Builder, lower

FAMILIES = (
    convolution,
    core,
    merging,
    normalization,
    pooling,
    recurrent,
    regularization,
    shaping,
    wrapping,
)
"""The modules that register their layers."""

NOTES: dict[str, str] = {
    "Dropout": "nothing: it acts in training alone",
    "TimeDistributed": "as the layer inside",
}
"""What the page of the layers says of those that are not lowered as every other."""

__all__ = ["FAMILIES", "NOTES", "Builder", "lower"]
