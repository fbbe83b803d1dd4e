"""Normalization."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Annotated

from pydantic import Field

from netspec.language.layers.axes import elements
from netspec.language.layers.base import (
    Axes,
    Extents,
    Layer,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    axis_index,
    axis_indices,
    whole,
    written,
)
from netspec.language.layers.constraints import ConstraintField
from netspec.language.layers.initializers import InitializerField, Ones, Positive, Zeros
from netspec.language.layers.regularizers import RegularizerField


class BatchNormalization(Layer):
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

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        self.channel_axis(shape)
        return shape

    def input_layout(self, inputs: Shapes) -> Layout:
        (shape,) = inputs
        image_channels = len(shape) == 3 and self.channel_axis(shape) == 2
        return "channels_first" if image_channels else "channels_last"

    def channel_axis(self, shape: Shape) -> int:
        """The index in `shape`, which has no batch axis, of the axis of the channels."""
        return axis_index(self.axis, shape)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        size = (shape[self.channel_axis(shape)],)
        axes = elements("output")
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

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        if self.trainable:
            return tuple(map(whole, inputs))  # the statistics are computed from the whole batch
        # One that is frozen has moving statistics, for every channel.
        channels, (shape,) = self.channel_axis(inputs[0]), inputs
        every = whole(shape)
        return (tuple(every[axis] if axis == channels else read for axis, read in enumerate(part)),)

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape)  # at prediction the four weights are one factor and one summand


class _Centred(Layer):
    """Mean 0 and variance 1 within every example, then a scale and a shift that are learned."""

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

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        sizes = self.sizes(shape)
        axes = elements(*(f"axis{axis}" for axis in range(len(sizes))))
        gamma = (self.weight("gamma", sizes, axes),) if self.scale else ()
        beta = (self.weight("beta", sizes, axes),) if self.center else ()
        return (*gamma, *beta)

    @abstractmethod
    def sizes(self, shape: Shape) -> Shape:
        """The shape of gamma and beta."""

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return 2 * prod(shape)  # the squares, and one factor and one summand for every value


class LayerNormalization(_Centred):
    """Brings every example to mean 0 and variance 1 along the axes, then scales and shifts it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the mean and the biased variance
    over `axis`. Input (…), output (…). Ba et al., 2016.
    """

    tag = "LayerNormalization"

    axis: Annotated[
        Axes, Field(description="The axes of the mean, counted as Keras does: 0 is the batch.")
    ] = (-1,)

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        axis_indices(self.axis, shape)
        return shape

    def sizes(self, shape: Shape) -> Shape:
        # Keras puts the axes in the order of their numbers as they are written.
        return tuple(shape[axis_index(axis, shape)] for axis in sorted(self.axis))

    def indices(self, shape: Shape) -> tuple[int, ...]:
        """The normalized axes of `shape`, which has no batch axis, in their order."""
        return tuple(sorted(axis_indices(self.axis, shape)))


class GroupNormalization(_Centred):
    """Brings every group of channels to mean 0 and variance 1, then scales and shifts it.

    y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the mean and the biased variance
    over all axes of a group of consecutive channels, in every example by itself.
    Input (…), output (…). Wu and He, 2018; with a group for every channel, Ulyanov et al., 2016.
    """

    tag = "GroupNormalization"

    groups: Annotated[
        int, Field(ge=-1, description="The number of groups; -1 is one for every channel.")
    ] = 32
    axis: Annotated[
        int, Field(description="The axis of the channels, counted as Keras does: 0 is the batch.")
    ] = -1

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        channels = shape[self.channel_axis(shape)]
        if self.groups == 0 or channels % self.groups:
            raise LayerFault(
                f"{channels} channels cannot be put into {self.groups} groups of the same size",
                "`groups` must divide the channels; -1 makes a group of every channel",
                "groups",
            )
        return shape

    def input_layout(self, inputs: Shapes) -> Layout:
        (shape,) = inputs
        last = self.channel_axis(shape) == len(shape) - 1
        return "channels_first" if last else "channels_last"

    def channel_axis(self, shape: Shape) -> int:
        """The index in `shape`, which has no batch axis, of the axis of the channels."""
        return axis_index(self.axis, shape)

    def count(self, shape: Shape) -> int:
        """How many groups there are."""
        return shape[self.channel_axis(shape)] if self.groups == -1 else self.groups

    def sizes(self, shape: Shape) -> Shape:
        return (shape[self.channel_axis(shape)],)


class RMSNormalization(Layer):
    """Divides by the root of the mean of squares along the last axes, then scales.

    y = scale x / sqrt(mean of x^2 + epsilon), with the mean over `axis`. Input (…), output (…).
    Zhang and Sennrich, 2019.
    """

    tag = "RMSNormalization"

    axis: Annotated[
        Axes, Field(description="The axes of the mean, counted as Keras does: 0 is the batch.")
    ] = (-1,)
    epsilon: Annotated[Positive, Field(description="Added to the mean of squares.")] = 1e-6

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        # Keras multiplies its scale along the last axes, whatever the axes are.
        indices = [axis_index(axis, shape) for axis in sorted(self.axis)]
        if indices != [*range(len(shape) - len(indices), len(shape))]:
            raise LayerFault(
                f"axis {list(self.axis)} of an input of {written(shape)} are not the last axes, "
                "along which Keras scales",
                "write -1, or [-2, -1] for the last two; Permute brings other axes there",
                "axis",
            )
        return shape

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        sizes = shape[-len(self.axis) :]
        axes = elements(*(f"axis{axis}" for axis in range(len(sizes))))
        return (Weight("scale", sizes, axes, Ones()),)

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape)


class UnitNormalization(Layer):
    """Divides by the length along the axes.

    y = x / sqrt(sum of x^2), with the sum over `axis`. Input (…), output (…).
    """

    tag = "UnitNormalization"

    axis: Annotated[
        Axes, Field(description="The axes of the sum, counted as Keras does: 0 is the batch.")
    ] = (-1,)

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        axis_indices(self.axis, shape)
        return shape

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape)
