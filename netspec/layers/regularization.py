"""Regularization: layers that act in training alone."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.layers.base import LayerBase, LayerFault, Layout, Shape, written
from netspec.layers.tagged import as_tuple
from netspec.layers.window import Size


class Dropout(LayerBase):
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

    def output_shape(self, shape: Shape) -> Shape:
        self.mask_shape(shape)
        return shape

    def layout(self, shape: Shape) -> Layout:
        return "either" if self.noise_shape is None else "channels_last"

    def mask_shape(self, shape: Shape) -> Shape:
        """The shape of the mask of one input: `noise_shape`, its gaps filled from the input's."""
        noise = self.noise_shape or (None,) * len(shape)
        if len(noise) != len(shape) or any(
            kept not in (None, 1, size) for kept, size in zip(noise, shape, strict=True)
        ):
            raise LayerFault(
                f"noise_shape {list(noise)} does not fit an input of {written(shape)}",
                "give 1, null or the input's size for every axis but the batch axis",
                "noise_shape",
            )
        return tuple(
            size if kept is None else kept for kept, size in zip(noise, shape, strict=True)
        )


Regularization: TypeAlias = Dropout
"""The layers of this family."""
