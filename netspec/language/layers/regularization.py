"""Regularization: layers that act only in training."""

from __future__ import annotations

from math import prod
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from netspec.language.layers.base import (
    Kept,
    Layer,
    LayerFault,
    Layout,
    Linear,
    Pointwise,
    SameShape,
    Shape,
    Shapes,
    spatial,
    written,
)
from netspec.language.layers.tagged import as_tuple
from netspec.language.layers.window import Size


class Dropout(Layer):
    """Sets a random part of the input to 0 in training, and scales the rest up.

    y = x mask / (1 - rate), where mask is 0 with probability `rate`; at prediction y = x. Input
    (…), output (…). The masks follow from the seed of the training, and differ between backends.
    Srivastava et al., 2014.
    """

    tag = "Dropout"

    rate: Annotated[float, Field(ge=0, lt=1, description="The part that is set to 0.")]
    noise_shape: Annotated[
        tuple[Size | None, ...] | None,
        BeforeValidator(as_tuple, json_schema_input_type=list[Size | None] | None),
        Field(description="The mask's shape without the batch axis: 1 shares it along an axis."),
    ] = None

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        self.mask_shape(shape)
        return shape

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either" if self.noise_shape is None else "channels_last"

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(values=prod(self.mask_shape(output)))

    def mask_shape(self, shape: Shape) -> Shape:
        """The shape of the mask of one input: `noise_shape`, its gaps filled from the input's."""
        noise = self.noise_shape or (None,) * len(shape)
        if len(noise) != len(shape) or any(
            kept not in (None, 1, size) for kept, size in zip(noise, shape, strict=True)
        ):
            raise LayerFault(
                f"noise_shape {list(noise)} does not fit an input of {written(shape)}",
                "write 1, null or the input's size for every axis but the batch axis",
                "noise_shape",
            )
        return tuple(
            size if kept is None else kept for kept, size in zip(noise, shape, strict=True)
        )


class SpatialDropout(SameShape, Pointwise):
    """Dropout of whole channels."""

    rank: ClassVar[int]

    rate: Annotated[float, Field(ge=0, lt=1, description="The part that is set to 0.")]

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        spatial(shape, self.tag, self.rank)
        return shape

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(values=output[-1])


class SpatialDropout1D(SpatialDropout):
    """Sets random channels of a sequence to 0 in training, and scales the rest up.

    y = x mask / (1 - rate), where mask is 0 with probability `rate` for a channel and the same at
    every step; at prediction y = x. Input (steps, channels), output (steps, channels). Tompson et
    al., 2014.
    """

    tag = "SpatialDropout1D"
    rank = 1


class SpatialDropout2D(SpatialDropout):
    """Sets random channels of an image to 0 in training, and scales the rest up.

    y = x mask / (1 - rate), where mask is 0 with probability `rate` for a channel and the same at
    every place; at prediction y = x. Input (height, width, channels), output (height, width,
    channels). Tompson et al., 2014.
    """

    tag = "SpatialDropout2D"
    rank = 2


class SpatialDropout3D(SpatialDropout):
    """Sets random channels of a volume to 0 in training, and scales the rest up.

    y = x mask / (1 - rate), where mask is 0 with probability `rate` for a channel and the same at
    every place; at prediction y = x. Input (depth, height, width, channels), output (depth, height,
    width, channels). Tompson et al., 2014.
    """

    tag = "SpatialDropout3D"
    rank = 3


class GaussianNoise(SameShape, Linear):
    """Adds noise in training.

    y = x + e, with e from a normal distribution of mean 0 and deviation `stddev`; at prediction
    y = x. Input (…), output (…).
    """

    tag = "GaussianNoise"

    stddev: Annotated[float, Field(ge=0, le=1, description="The deviation of the noise.")]


class GaussianDropout(SameShape):
    """Multiplies by noise in training.

    y = x e, with e from a normal distribution of mean 1 and deviation sqrt(rate / (1 - rate)), as
    Dropout's masks have; at prediction y = x. Input (…), output (…). Srivastava et al., 2014.
    """

    tag = "GaussianDropout"

    rate: Annotated[
        float, Field(ge=0, lt=1, description="The rate of the Dropout with this deviation.")
    ]

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(values=prod(output))
