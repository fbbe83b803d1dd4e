"""Penalties on weights, which training adds to the loss, under Keras's names.

The formulas come from keras/src/regularizers/regularizers.py (3.15): sums, not means, and no
factor of one half.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.language.layers.initializers import NotNegative
from netspec.language.layers.tagged import OneKey, Tagged
from netspec.language.remedies import Remedy


class L1(Tagged):
    """l1 times the sum of |w|."""

    tag = "l1"
    l1: NotNegative = 0.01


class L2(Tagged):
    """l2 times the sum of w^2."""

    tag = "l2"
    l2: NotNegative = 0.01


class L1L2(Tagged):
    """l1 times the sum of |w|, and l2 times the sum of w^2."""

    tag = "l1_l2"
    l1: NotNegative = 0.0
    l2: NotNegative = 0.0


Regularizer: TypeAlias = L1 | L2 | L1L2


def factors(regularizer: Regularizer) -> tuple[float, float]:
    """The factors of the sum of |w| and of the sum of w^2."""
    return getattr(regularizer, "l1", 0.0), getattr(regularizer, "l2", 0.0)


def _as_penalty(value: object) -> str | None:
    """How to write a penalty of which only the factor is written."""
    return f"write `{{field}}: {{l2: {{l2: {value}}}}}`" if isinstance(value, float) else None


RegularizerField: TypeAlias = Annotated[
    Annotated[Regularizer, OneKey("regularizer")] | None,
    Field(description="A penalty on these values, added to the loss."),
    Remedy(_as_penalty, ("tag",)),
]
