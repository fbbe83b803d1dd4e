"""The losses, under Keras's names, with its arguments and defaults.

Each was read in keras/src/losses/losses.py (3.15).

y is an output of the network and t its target, both (…, values); class indices are (…). Every loss
has a value for each vector along the last axis. Training minimizes the mean of all values, each
times the weight of its example.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Literal, TypeAlias, get_args

from pydantic import Discriminator, Field, GetJsonSchemaHandler, Tag
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from netspec.language.layers.activations import ActivationName
from netspec.language.layers.base import OutputName
from netspec.language.layers.initializers import Positive
from netspec.language.layers.tagged import OneKey, Tagged

Kind: TypeAlias = Literal["classes", "one_hot", "binary", "signs", "distribution", "values"]
"""What the targets of a loss are: class indices, one vector a class, zeros and ones, -1 and 1 (or
zeros and ones), probabilities, or any finite numbers."""

FromLogits: TypeAlias = Annotated[
    bool,
    Field(description="Whether the network ends without the activation for probabilities."),
]
LabelSmoothing: TypeAlias = Annotated[
    float, Field(ge=0, le=1, description="The part of a label that is spread over all classes.")
]
IgnoreClass: TypeAlias = Annotated[
    int | None,
    Field(
        ge=-(2**24),
        le=2**24,  # Keras compares labels as float32
        description="The label of targets that do not count, such as 255 or -1.",
    ),
]


class LossBase(Tagged):
    """The facts that every loss declares."""

    kind: ClassVar[Kind] = "values"
    probabilities: ClassVar[ActivationName | None] = None
    """The activation that computes the probabilities for a cross-entropy."""


class SparseCategoricalCrossentropy(LossBase):
    """-log of the probability that the network assigns to the right class, averaged over the batch.

    Targets are class indices. With `from_logits` the network ends without softmax, and its outputs
    are unscaled log probabilities. Keras smooths no labels here; netspec does, as its
    categorical_crossentropy would for the same classes. Targets of `ignore_class`, which may lie
    outside of the classes, count neither in the loss nor in its mean, nor in the metrics.
    """

    tag = "sparse_categorical_crossentropy"
    kind = "classes"
    probabilities = "softmax"

    from_logits: FromLogits = False
    label_smoothing: LabelSmoothing = 0.0
    ignore_class: IgnoreClass = None


class CategoricalCrossentropy(LossBase):
    """-sum of t log(y), for targets with one value a class.

    With `label_smoothing` s and n classes, t becomes (1 - s) t + s / n.
    """

    tag = "categorical_crossentropy"
    kind = "one_hot"
    probabilities = "softmax"

    from_logits: FromLogits = False
    label_smoothing: LabelSmoothing = 0.0


class BinaryCrossentropy(LossBase):
    """-mean of t log(y) + (1 - t) log(1 - y), for targets from 0 to 1.

    With `label_smoothing` s, t becomes (1 - s) t + s / 2.
    """

    tag = "binary_crossentropy"
    kind = "binary"
    probabilities = "sigmoid"

    from_logits: FromLogits = False
    label_smoothing: LabelSmoothing = 0.0


class MeanSquaredError(LossBase):
    """mean of (y - t)^2."""

    tag = "mean_squared_error"


class MeanAbsoluteError(LossBase):
    """mean of |y - t|."""

    tag = "mean_absolute_error"


class Huber(LossBase):
    """mean of e^2 / 2 where |e| <= delta, else delta |e| - delta^2 / 2, with e = y - t."""

    tag = "huber"

    delta: Annotated[Positive, Field(description="The error from which the loss is linear.")] = 1.0


class KLDivergence(LossBase):
    """sum of t log(t / y), with both clipped to 1e-7 … 1."""

    tag = "kl_divergence"
    kind = "distribution"


class Poisson(LossBase):
    """mean of y - t log(y + 1e-7)."""

    tag = "poisson"


class Hinge(LossBase):
    """mean of max(1 - t y, 0), for targets -1 and 1; zeros and ones become those."""

    tag = "hinge"
    kind = "signs"


class SquaredHinge(LossBase):
    """mean of max(1 - t y, 0)^2, for targets -1 and 1; zeros and ones become those."""

    tag = "squared_hinge"
    kind = "signs"


class CategoricalHinge(LossBase):
    """max(max of (1 - t) y - sum of t y + 1, 0), for targets with one value a class."""

    tag = "categorical_hinge"
    kind = "one_hot"


class CosineSimilarity(LossBase):
    """-sum of t y / (|t| |y|), along the last axis."""

    tag = "cosine_similarity"


Loss: TypeAlias = (
    SparseCategoricalCrossentropy
    | CategoricalCrossentropy
    | BinaryCrossentropy
    | MeanSquaredError
    | MeanAbsoluteError
    | Huber
    | KLDivergence
    | Poisson
    | Hinge
    | SquaredHinge
    | CategoricalHinge
    | CosineSimilarity
)

OneLoss: TypeAlias = Annotated[Loss, OneKey("loss", "`loss: NAME`")]

LOSSES: dict[str, type[Loss]] = {loss.tag: loss for loss in get_args(Loss)}

# The forms of `train.loss`, as pydantic's locations name them.
ONE, BY_OUTPUT = "one loss", "a loss by output"


def _form(value: object) -> str:
    """Whether a value is written as a loss or as a mapping from outputs to losses."""
    if not isinstance(value, dict):
        return ONE
    items: dict[object, object] = value  # pyright: ignore[reportUnknownVariableType] - any dict
    if any(map(_is_loss, items.values())):
        return BY_OUTPUT
    misspelt = any(isinstance(item, str) for item in items.values())
    return BY_OUTPUT if misspelt and not LOSSES.keys() & items.keys() else ONE


def _is_loss(value: object) -> bool:
    """Whether a value is a loss: its name, or a mapping with its name as the only key."""
    match value:
        case str():
            return value in LOSSES
        case dict() if len(value) == 1:  # pyright: ignore[reportUnknownArgumentType] - any dict
            return bool(LOSSES.keys() & value.keys())  # pyright: ignore[reportUnknownMemberType,reportUnknownArgumentType] - as above
        case _:
            return isinstance(value, LossBase)


@dataclass(frozen=True)
class _Forms:
    """Annotates the forms of `train.loss`: in the JSON Schema, a value is of one form by its keys.

    An error then names what is wrong in that form.
    """

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        one_loss, by_output = handler(schema)["oneOf"]
        names = list(LOSSES)
        fields = {"type": ["object", "null"], "propertyNames": {"not": {"enum": names}}}
        mapping: dict[str, Any] = {"type": "object"}  # Any: JSON data
        one_mapping = {**mapping, "propertyNames": {"enum": names}, "additionalProperties": fields}
        return {
            "anyOf": [{"enum": names}, mapping],
            "if": one_mapping,
            "then": one_loss,
            "else": {"if": mapping, "then": by_output},
        }


Losses: TypeAlias = Annotated[
    Annotated[OneLoss, Tag(ONE)]
    | Annotated[dict[OutputName, OneLoss], Field(min_length=1), Tag(BY_OUTPUT)],
    Discriminator(_form),
    _Forms(),
]
"""One loss, or one for each of several outputs."""
