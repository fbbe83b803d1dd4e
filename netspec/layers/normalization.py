"""Normalization."""

from __future__ import annotations

from math import prod
from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.layers.base import LayerBase, Layout, Shape, Weight, axis_index
from netspec.layers.constraints import ConstraintField
from netspec.layers.initializers import InitializerField, Ones, Positive, Zeros
from netspec.layers.regularizers import RegularizerField


class BatchNormalization(LayerBase):
    """Brings every channel to mean 0 and variance 1, then scales and shifts it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta, channel by channel. Training uses the
    mean and the biased variance of the batch, and moves the moving ones by (1 - momentum) towards
    them; prediction uses the moving ones. Input (…), output (…). Ioffe and Szegedy, 2015.
    """

    tag = "BatchNormalization"

    axis: Annotated[
        int, Field(description="The axis of the channels, counted as Keras does: 0 is the batch.")
    ] = -1
    momentum: Annotated[
        float, Field(ge=0, le=1, description="What the moving statistics keep at every step.")
    ] = 0.99
    epsilon: Annotated[Positive, Field(description="Added to the variance.")] = 1e-3
    center: Annotated[bool, Field(description="Whether beta is added.")] = True
    scale: Annotated[bool, Field(description="Whether gamma is multiplied.")] = True
    beta_initializer: Annotated[InitializerField, Field(description="Initial values of beta.")] = (
        Zeros()
    )
    gamma_initializer: Annotated[
        InitializerField, Field(description="Initial values of gamma.")
    ] = Ones()
    beta_regularizer: RegularizerField = None
    beta_constraint: ConstraintField = None
    gamma_regularizer: RegularizerField = None
    gamma_constraint: ConstraintField = None
    moving_mean_initializer: Annotated[
        InitializerField, Field(description="Initial values of the moving mean.")
    ] = Zeros()
    moving_variance_initializer: Annotated[
        InitializerField, Field(description="Initial values of the moving variance.")
    ] = Ones()

    def output_shape(self, shape: Shape) -> Shape:
        self.channel_axis(shape)
        return shape

    def layout(self, shape: Shape) -> Layout:
        image_channels = len(shape) == 3 and self.channel_axis(shape) == 2
        return "channels_first" if image_channels else "channels_last"

    def channel_axis(self, shape: Shape) -> int:
        """The index in `shape`, which has no batch axis, of the axis of the channels."""
        return axis_index(self.axis, shape)

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        size = (shape[self.channel_axis(shape)],)
        axes = ("out",)
        gamma = (self.weight("gamma", size, axes),) if self.scale else ()
        beta = (self.weight("beta", size, axes),) if self.center else ()
        return (
            *gamma,
            *beta,
            Weight("moving_mean", size, axes, self.moving_mean_initializer, trainable=False),
            Weight(
                "moving_variance", size, axes, self.moving_variance_initializer, trainable=False
            ),
        )

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape)  # at prediction the four weights are one factor and one summand


Normalization: TypeAlias = BatchNormalization
"""The layers of this family."""
