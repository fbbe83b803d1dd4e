"""The register of the layers: one line for each family, which is a module of this package.

Everything else follows from it: what a spec may name, which module is imported for it, what
other layers may contain, the page of the layers, and the layers of the random specs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from importlib import import_module
from types import ModuleType

from netspec.language.layers.base import Layer

FAMILIES: dict[str, tuple[str, ...]] = {
    family: tuple(tags.split())
    for family, tags in {
        "convolution": "Conv1D Conv2D Conv3D DepthwiseConv1D DepthwiseConv2D SeparableConv1D "
        "SeparableConv2D Conv1DTranspose Conv2DTranspose Conv3DTranspose",
        "pooling": "MaxPooling1D MaxPooling2D MaxPooling3D AveragePooling1D AveragePooling2D "
        "AveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D GlobalMaxPooling3D "
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D",
        "core": "Flatten Dense EinsumDense Embedding Activation Identity ReLU LeakyReLU PReLU ELU "
        "Softmax",
        "normalization": "BatchNormalization LayerNormalization GroupNormalization "
        "RMSNormalization UnitNormalization",
        "regularization": "Dropout SpatialDropout1D SpatialDropout2D SpatialDropout3D "
        "GaussianNoise GaussianDropout",
        "merging": "Add Subtract Multiply Average Maximum Minimum Concatenate Dot",
        "shaping": "Reshape Permute RepeatVector ZeroPadding1D ZeroPadding2D ZeroPadding3D "
        "Cropping1D Cropping2D Cropping3D UpSampling1D UpSampling2D UpSampling3D",
        "recurrent": "SimpleRNN LSTM GRU",
        "wrapping": "Bidirectional TimeDistributed",
        "augmentation": "RandomFlip RandomTranslation RandomRotation RandomZoom",
        "preprocessing": "Rescaling Normalization CenterCrop Resizing",
        "attention": "MultiHeadAttention GroupedQueryAttention Attention AdditiveAttention",
    }.items()
}
"""The layers of every family, whose classes have the names that a spec writes."""


def family_modules(package: str) -> tuple[ModuleType, ...]:
    """The modules of a package that has one with the name of each family, in the order of names."""
    return tuple(import_module(f"{package}.{family}") for family in sorted(FAMILIES))


_FAMILY_OF = {tag: family for family, tags in FAMILIES.items() for tag in tags}


class LayersByName(Mapping[str, type[Layer]]):
    """Classes of layers by name. A family is imported when one of its layers is first needed."""

    def __init__(self, tags: Iterable[str]) -> None:
        self.tags = dict.fromkeys(tags)

    def __getitem__(self, tag: str) -> type[Layer]:
        if tag not in self.tags:
            raise KeyError(tag)
        module = import_module(f"{__package__}.{_FAMILY_OF[tag]}")
        return getattr(module, tag)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tags)

    def __len__(self) -> int:
        return len(self.tags)

    def __contains__(self, tag: object) -> bool:
        return tag in self.tags


LAYERS = LayersByName(_FAMILY_OF)
"""Every layer that a spec can name."""
