"""Lowers every layer to ONNX's operators, one short function each, by family."""

from __future__ import annotations

from netspec_onnx.lower import convolution, core, normalization, pooling, regularization
from netspec_onnx.lower.base import Builder, lower

FAMILIES = (convolution, core, normalization, pooling, regularization)
"""The modules that register their layers."""

__all__ = ["FAMILIES", "Builder", "lower"]
