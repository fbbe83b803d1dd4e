"""The vocabulary: every layer declares its fields, output shape, weights and cost in one place.

The set of layers is closed: `Layer` is their union, which a type checker knows.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias, get_args

from netspec.layers.attention import AttentionLayers
from netspec.layers.augmentation import AnyAugmentation
from netspec.layers.base import (
    AnyLayer,
    LayerBase,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.layers.convolution import Conv2D, Convolution
from netspec.layers.core import Activation, Core, Dense, Flatten, Transpose
from netspec.layers.merging import Merging
from netspec.layers.normalization import BatchNormalization, Normalization
from netspec.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Pooling,
    Pooling2D,
)
from netspec.layers.preprocessing import Preprocessing
from netspec.layers.recurrent import Recurrent
from netspec.layers.regularization import Dropout, Regularization
from netspec.layers.shaping import Shaping
from netspec.layers.tagged import OneKey
from netspec.layers.wrapping import FoldSteps, UnfoldSteps, Wrapping

Layer: TypeAlias = (
    Convolution
    | Pooling
    | Core
    | Normalization
    | Regularization
    | Merging
    | Shaping
    | Recurrent
    | Wrapping
    | AnyAugmentation
    | Preprocessing
    | AttentionLayers
)
Inserted: TypeAlias = Transpose | FoldSteps | UnfoldSteps
"""The layers that no spec names, and passes insert."""

LayerField: TypeAlias = Annotated[Layer, OneKey("layer")]

LAYERS: dict[str, type[Layer]] = {layer.tag: layer for layer in get_args(Layer)}

__all__ = [
    "LAYERS",
    "Activation",
    "AnyLayer",
    "AveragePooling2D",
    "BatchNormalization",
    "Conv2D",
    "Dense",
    "Dropout",
    "Flatten",
    "GlobalAveragePooling2D",
    "Inserted",
    "Layer",
    "LayerBase",
    "LayerFault",
    "LayerField",
    "Layout",
    "MaxPooling2D",
    "Pooling2D",
    "Shape",
    "Shapes",
    "Transpose",
    "Weight",
    "written",
]
