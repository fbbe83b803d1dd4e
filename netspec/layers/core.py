"""Layers without an idea of space: Dense, Flatten, Activation."""

from __future__ import annotations

from math import prod
from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.layers.activations import ALONG_CHANNELS, ActivationField
from netspec.layers.base import LayerBase, Layout, Shape, Weight
from netspec.layers.constraints import ConstraintField
from netspec.layers.initializers import GlorotUniform, InitializerField, Zeros
from netspec.layers.regularizers import RegularizerField
from netspec.layers.window import Size


class Dense(LayerBase):
    """Every output is connected to every input of the last axis.

    y[…, u] = sum over i of x[…, i] kernel[i, u] + bias[u]. Input (…, inputs), output (…, units).
    """

    tag = "Dense"
    ends_in_activation = True

    units: Annotated[Size, Field(description="The number of outputs.")]
    activation: Annotated[ActivationField, Field(description="Applied to the output.")] = "linear"
    use_bias: Annotated[bool, Field(description="Whether a bias is added.")] = True
    kernel_initializer: Annotated[
        InitializerField, Field(description="Initial values of the kernel.")
    ] = GlorotUniform()
    bias_initializer: Annotated[
        InitializerField, Field(description="Initial values of the bias.")
    ] = Zeros()
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None

    def output_shape(self, shape: Shape) -> Shape:
        return (*shape[:-1], self.units)

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        kernel = self.weight("kernel", (shape[-1], self.units), ("in", "out"))
        bias = self.weight("bias", (self.units,), ("out",))
        return (kernel, bias) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(shape) * self.units


class Flatten(LayerBase):
    """All axes in one, the last one running fastest.

    Input (…), output (product of the axes).
    """

    tag = "Flatten"

    def output_shape(self, shape: Shape) -> Shape:
        return (prod(shape),)


class Activation(LayerBase):
    """A function of every value, or of the last axis for softmax and log_softmax.

    Input (…), output (…).
    """

    tag = "Activation"
    ends_in_activation = True

    activation: Annotated[ActivationField, Field(description="The function.")]

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def layout(self, shape: Shape) -> Layout:
        return "channels_last" if self.activation in ALONG_CHANNELS else "either"


class Transpose(LayerBase):
    """Moves a tensor between channels last and channels first; the values stay the same.

    No spec names it: the layout pass inserts it for backends that want channels first. Its shapes
    are written channels last on both sides; `to` says how the output lies in memory.
    """

    tag = "Transpose"

    to: Layout

    def output_shape(self, shape: Shape) -> Shape:
        return shape

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """The permutation of all axes, that of the batch included, for an input of `shape`."""
        space = range(1, len(shape))
        if self.to == "channels_first":
            return (0, len(shape), *space)
        return (0, *(axis + 1 for axis in space), 1)


Core: TypeAlias = Flatten | Dense | Activation
"""The layers of this family."""
