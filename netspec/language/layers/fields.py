"""Fields that many layers have: the fields of an activation, of a kernel and of a bias.

The fields of a base class come before the fields of the classes on its left. A layer whose own
fields come first has them in a base class on the right: `class Dense(WithBias, WithKernel, Units)`.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.language.layers.activations import ActivationField
from netspec.language.layers.axes import elements
from netspec.language.layers.base import Layer, Weight
from netspec.language.layers.constraints import ConstraintField
from netspec.language.layers.initializers import GlorotUniform, InitializerField, Zeros
from netspec.language.layers.regularizers import RegularizerField

Rate: TypeAlias = Annotated[float, Field(ge=0, lt=1)]
"""The part of some values that training sets to 0."""


class WithActivation(Layer):
    """A layer that ends in an activation."""

    ends_in_activation = True

    activation: Annotated[ActivationField, Field(description="Applied to the output.")] = "linear"


class WithKernel(Layer):
    """A layer with a kernel, or several that begin alike."""

    kernel_initializer: Annotated[
        InitializerField, Field(description="Initial values of the kernel.")
    ] = GlorotUniform()
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None


class WithBiasFields(Layer):
    """A layer with a bias, or several that begin alike."""

    bias_initializer: Annotated[
        InitializerField, Field(description="Initial values of the bias.")
    ] = Zeros()
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None


class UseBias(Layer):
    """A layer whose bias may be left out."""

    use_bias: Annotated[bool, Field(description="Whether a bias is added.")] = True


class WithBias(WithBiasFields, UseBias):
    """A layer with a bias that may be left out."""

    def bias_weights(self, size: int) -> tuple[Weight, ...]:
        """The bias of `size` outputs, or nothing where it is left out."""
        return (self.weight("bias", (size,), elements("output")),) if self.use_bias else ()
