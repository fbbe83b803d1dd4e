"""The vocabulary: every layer declares its fields, output shape, weights and cost in one place.

The set of layers is closed: `Layer` is their union, which a type checker knows. At run time a
family is imported when a spec first names one of its layers: a spec needs a few of many.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, TypeAlias

from netspec.language.layers.base import (
    AnyLayer,
    LayerBase,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.language.layers.convolution import Conv2D
from netspec.language.layers.core import Activation, Dense, Flatten, Transpose
from netspec.language.layers.pooling import (
    AveragePooling2D,
    GlobalAveragePooling2D,
    MaxPooling2D,
)
from netspec.language.layers.tagged import OneKey

if TYPE_CHECKING:
    from netspec.language.layers.attention import AttentionLayers
    from netspec.language.layers.augmentation import AnyAugmentation
    from netspec.language.layers.convolution import Convolution
    from netspec.language.layers.core import Core
    from netspec.language.layers.merging import Merging
    from netspec.language.layers.normalization import Normalization
    from netspec.language.layers.pooling import Pooling
    from netspec.language.layers.preprocessing import Division, Preprocessing
    from netspec.language.layers.recurrent import Recurrent
    from netspec.language.layers.regularization import Regularization
    from netspec.language.layers.shaping import Shaping
    from netspec.language.layers.wrapping import FoldSteps, UnfoldSteps, Wrapping

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
    Inserted: TypeAlias = Transpose | FoldSteps | UnfoldSteps | Division
    """The layers that no spec names, and passes insert."""
else:
    Layer = Inserted = AnyLayer

FAMILIES = {
    "convolution": "Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D "
    "SeparableConv2D Conv1DTranspose Conv2DTranspose Conv3DTranspose",
    "pooling": "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D "
    "AveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
    "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D",
    "core": "Flatten Dense Embedding Activation ReLU LeakyReLU PReLU ELU Softmax",
    "normalization": "BatchNormalization LayerNormalization GroupNormalization RMSNormalization "
    "UnitNormalization",
    "regularization": "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D GaussianNoise "
    "GaussianDropout",
    "merging": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot",
    "shaping": "Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D ZeroPadding3D Cropping1D "
    "Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D",
    "recurrent": "SimpleRNN LSTM GRU",
    "wrapping": "Bidirectional TimeDistributed",
    "augmentation": "RandomFlip RandomTranslation RandomRotation RandomZoom",
    "preprocessing": "Rescaling Normalization CenterCrop Resizing",
    "attention": "MultiHeadAttention Attention AdditiveAttention",
}
"""The layers of every family, whose classes have the names that a spec writes."""


class _Vocabulary(Mapping[str, type[Layer]]):
    """The layers by name."""

    def __init__(self) -> None:
        self.families = {tag: name for name, tags in FAMILIES.items() for tag in tags.split()}

    def __getitem__(self, tag: str) -> type[Layer]:
        return getattr(import_module(f"{__name__}.{self.families[tag]}"), tag)

    def __iter__(self) -> Iterator[str]:
        return iter(self.families)

    def __len__(self) -> int:
        return len(self.families)

    def __contains__(self, tag: object) -> bool:
        return tag in self.families


LAYERS = _Vocabulary()
"""The layers by name."""

LayerField: TypeAlias = Annotated[Layer, OneKey("layer", members=LAYERS)]

__all__ = [
    "FAMILIES",
    "LAYERS",
    "Activation",
    "AnyLayer",
    "AveragePooling2D",
    "Conv2D",
    "Dense",
    "Flatten",
    "GlobalAveragePooling2D",
    "Inserted",
    "Layer",
    "LayerBase",
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
