"""Every layer in NumPy, one short function each, by family."""

from __future__ import annotations

from netspec_numpy.layers import (
    attention,
    augmentation,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    shaping,
    wrapping,
)
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Values, compute

FAMILIES = (
    attention,
    augmentation,
    convolution,
    core,
    merging,
    normalization,
    pooling,
    preprocessing,
    recurrent,
    regularization,
    shaping,
    wrapping,
)
"""The modules that define their layers."""

__all__ = ["ACTIVATIONS", "FAMILIES", "Values", "compute"]
