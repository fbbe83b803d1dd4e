"""The vocabulary: every layer declares its fields, output shape, weights and cost in one place.

`families` is the register of the layers. A family is imported when a spec first names one of its
layers: a spec needs a few of many.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from netspec.language.layers.base import (
    Layer,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.language.layers.convolution import Conv2D
from netspec.language.layers.core import Activation, Dense, Flatten, Transpose
from netspec.language.layers.families import FAMILIES, LAYERS
from netspec.language.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from netspec.language.layers.tagged import OneKey

LayerField: TypeAlias = Annotated[
    Layer, OneKey("layer", "`- Dense: {units: 10}` or `- Flatten`", members=LAYERS)
]

__all__ = [
    "FAMILIES",
    "LAYERS",
    "Activation",
    "AveragePooling2D",
    "Conv2D",
    "Dense",
    "Flatten",
    "GlobalAveragePooling2D",
    "Layer",
    "LayerFault",
    "LayerField",
    "Layout",
    "MaxPooling2D",
    "Shape",
    "Shapes",
    "Transpose",
    "Weight",
    "written",
]
