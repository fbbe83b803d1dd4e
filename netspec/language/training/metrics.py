"""The metrics, under Keras's names: what is reported beside the loss (keras/src/metrics/, 3.15).

y is an output of the network and t its target. Metrics count every example alike, whatever its
weight in the loss is.
"""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, TypeAlias, get_args

from pydantic import BeforeValidator, Discriminator, Field, Tag

from netspec.language.layers.base import OutputName
from netspec.language.layers.tagged import OneKey, Tagged, as_tuple
from netspec.language.remedies import Remedy
from netspec.language.training.losses import LossBase

Threshold: TypeAlias = Annotated[
    float, Field(ge=0, le=1, description="A larger probability counts as a yes.")
]


class MetricBase(Tagged):
    """The facts that every metric declares."""

    more_is_better: ClassVar[bool | None] = True
    """Which way early stopping wants it to go; None for what is not a number."""

    @property
    def of_classes(self) -> bool:
        """Whether its targets are classes or yes and no, rather than values."""
        return True


class Accuracy(MetricBase):
    """The part of the answers that are right, of the kind that the loss requires.

    With a sparse or categorical loss the largest output is the answer, with a binary one every
    output by itself: yes where it is above 1/2.
    """

    tag = "accuracy"


class BinaryAccuracy(MetricBase):
    """The part of the outputs that are on the side of the threshold where their target is."""

    tag = "binary_accuracy"

    threshold: Threshold = 0.5


class CategoricalAccuracy(MetricBase):
    """The part of the examples whose largest output is at the index of the largest target."""

    tag = "categorical_accuracy"


class SparseCategoricalAccuracy(MetricBase):
    """The part of the examples whose largest output is at the index of their class."""

    tag = "sparse_categorical_accuracy"


class TopKCategoricalAccuracy(MetricBase):
    """The part of the examples whose class is among the k largest outputs."""

    tag = "top_k_categorical_accuracy"

    k: Annotated[int, Field(ge=1, le=1_000_000, description="How many outputs count.")] = 5


class AUC(MetricBase):
    """The area under a curve of the rates at many thresholds, interpolated as by Keras.

    Of the true positives over the false ones (ROC), or of the precision over the recall (PR). The
    outputs of several classes count as one answer each.
    """

    tag = "auc"

    num_thresholds: Annotated[
        int, Field(ge=2, le=10_000, description="How many points the curve has.")
    ] = 200
    curve: Annotated[Literal["ROC", "PR"], Field(description="The curve.")] = "ROC"


class Precision(MetricBase):
    """The part of what was found that is right: TP / (TP + FP).

    Of yes and no, of which the threshold decides; with several classes the mean over all of them,
    for the class with the largest output.
    """

    tag = "precision"

    threshold: Threshold = 0.5


class Recall(MetricBase):
    """The part of what is there that was found: TP / (TP + FN); see precision."""

    tag = "recall"

    threshold: Threshold = 0.5


class F1Score(MetricBase):
    """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN); see precision."""

    tag = "f1_score"

    threshold: Threshold = 0.5


class ConfusionMatrix(MetricBase):
    """How often each class, a row, got each answer, a column. Only of the test."""

    tag = "confusion_matrix"
    more_is_better = None


class Distance(MetricBase):
    """A distance between outputs and targets."""

    more_is_better = False

    @property
    def of_classes(self) -> bool:
        return False


class MeanAbsoluteErrorMetric(Distance):
    """mean of |y - t|."""

    tag = "mean_absolute_error"


class MeanSquaredErrorMetric(Distance):
    """mean of (y - t)^2."""

    tag = "mean_squared_error"


class RootMeanSquaredError(Distance):
    """sqrt(mean of (y - t)^2)."""

    tag = "root_mean_squared_error"


Metric: TypeAlias = (
    Accuracy
    | BinaryAccuracy
    | CategoricalAccuracy
    | SparseCategoricalAccuracy
    | TopKCategoricalAccuracy
    | AUC
    | Precision
    | Recall
    | F1Score
    | ConfusionMatrix
    | MeanAbsoluteErrorMetric
    | MeanSquaredErrorMetric
    | RootMeanSquaredError
)

METRICS: dict[str, type[Metric]] = {metric.tag: metric for metric in get_args(Metric)}

MetricList: TypeAlias = Annotated[
    tuple[Annotated[Metric, OneKey("metric")], ...],
    BeforeValidator(as_tuple),
    Remedy("write it in brackets, as in [accuracy]"),
]

# The forms of `train.metrics`, as pydantic's locations name them.
ONE, BY_OUTPUT = "one list", "a list by output"


def _form(value: object) -> str:
    return BY_OUTPUT if isinstance(value, dict) else ONE


Metrics: TypeAlias = Annotated[
    Annotated[MetricList, Tag(ONE)] | Annotated[dict[OutputName, MetricList], Tag(BY_OUTPUT)],
    Discriminator(_form),
]
"""The metrics of the only output, or of each of several."""


def by_default(loss: LossBase) -> tuple[Metric, ...]:
    """The metrics of an output for which none are named: accuracy, where there are classes."""
    of_classes = loss.kind in ("classes", "one_hot", "binary")
    return (Accuracy(),) if of_classes else ()
