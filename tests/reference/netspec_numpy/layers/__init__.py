"""Every layer in NumPy, one short function each, by family."""

from __future__ import annotations

from netspec.language.layers.families import family_modules
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Values, compute

FAMILIES = family_modules(__name__)
"""The modules that define their layers."""

__all__ = ["ACTIVATIONS", "FAMILIES", "Values", "compute"]
