"""What every step of training brings weights back to, under Keras's names.

The formulas come from keras/src/constraints/constraints.py (3.15). A norm is taken over the values
along `axis`, an axis of the weight as Keras has it, or several.
"""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from netspec.language.layers.initializers import NotNegative
from netspec.language.layers.tagged import OneKey, Tagged, as_tuple, fault

EPSILON = 1e-7  # what Keras adds to a norm before it divides by it


def _axes(value: object) -> object:
    return (value,) if isinstance(value, int) else as_tuple(value)


Axes: TypeAlias = Annotated[
    tuple[Annotated[int, Field(ge=0, lt=8)], ...],
    Field(min_length=1),
    BeforeValidator(_axes, json_schema_input_type=int | list[int]),
]


class NonNeg(Tagged):
    """w where w >= 0, else 0."""

    tag = "non_neg"


class Norm(Tagged):
    """A constraint on a norm."""

    axis: Annotated[
        Axes, Field(description="The axes of the weight that a norm is taken along.")
    ] = (0,)


class MaxNorm(Norm):
    """w min(norm, max_value) / (1e-7 + norm) (Srivastava et al., 2014)."""

    tag = "max_norm"
    max_value: NotNegative = 2.0


class UnitNorm(Norm):
    """w / (1e-7 + norm)."""

    tag = "unit_norm"


class MinMaxNorm(Norm):
    """w (rate min(max(norm, min_value), max_value) + (1 - rate) norm) / (1e-7 + norm)."""

    tag = "min_max_norm"
    min_value: NotNegative = 0.0
    max_value: NotNegative = 1.0
    rate: Annotated[float, Field(ge=0, le=1)] = 1.0

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.min_value > self.max_value:
            message = f"min_value {self.min_value:g} is above max_value {self.max_value:g}"
            raise fault("min_value", message, "a norm is kept between the two")
        return self


Constraint: TypeAlias = NonNeg | MaxNorm | UnitNorm | MinMaxNorm
ConstraintField: TypeAlias = Annotated[
    Annotated[Constraint, OneKey("constraint")] | None,
    Field(description="What these values are brought back to after every step."),
]
