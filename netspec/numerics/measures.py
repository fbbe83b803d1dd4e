"""The metrics in NumPy: each collects a few counts over batches, and returns its value at any time.

Definitions are Keras's (keras/src/metrics/, 3.15). Of several classes that exclude each other,
precision, recall and F1 are the mean over all classes, each against the others, where 0 / 0 is 0:
F1 is Keras's F1Score(average="macro"), and precision and recall are computed in the same way.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.language.training.losses import Loss
from netspec.language.training.metrics import (
    AUC,
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    ConfusionMatrix,
    F1Score,
    MeanAbsoluteErrorMetric,
    MeanSquaredErrorMetric,
    Metric,
    Precision,
    Recall,
    RootMeanSquaredError,
    SparseCategoricalAccuracy,
    TopKCategoricalAccuracy,
)

Figure: TypeAlias = int | float | list[list[int]]

EPSILON = 1e-7  # Keras's


class Measure(ABC):
    """A metric that is being computed."""

    @abstractmethod
    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        """Add outputs (n, …, values), as probabilities, and their targets."""

    @abstractmethod
    def figure(self) -> Figure:
        """The value for the outputs until now."""


def probabilities(logits: NDArray[Any], objective: Objective) -> NDArray[Any]:
    """The inputs of the metrics: float32 probabilities of logits, other outputs unchanged."""
    match objective.loss.probabilities:
        case "sigmoid":
            return np.exp(-np.logaddexp(0, -logits.astype(np.float64))).astype(np.float32)
        case "softmax":
            return softmax(logits.astype(np.float64)).astype(np.float32)
        case _:
            return logits


def softmax(logits: NDArray[Any]) -> NDArray[Any]:
    """Probabilities (n, …, classes) of as many logits, which add up to 1 along the last axis."""
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def measure(metric: Metric, objective: Objective) -> Measure:
    """A metric of an output, without any counts."""
    loss, units = objective.loss, objective.shape[-1]
    exclusive = loss.kind in ("classes", "one_hot", "distribution") and units > 1
    match metric:
        case Accuracy() | SparseCategoricalAccuracy() | CategoricalAccuracy() | BinaryAccuracy():
            return _accuracy(metric, loss)
        case TopKCategoricalAccuracy():
            return _Mean(lambda y, t: _among_largest(y, t, metric.k))
        case AUC():
            return _Curve(metric)
        case Precision() | Recall() | F1Score():
            counts = _Classes(units) if exclusive else _Yes(metric.threshold, loss)
            return _Rate(metric, counts)
        case ConfusionMatrix():
            return _Matrix(_Classes(max(units, 2)))
        case MeanAbsoluteErrorMetric():
            return _Mean(lambda y, t: np.abs(y - t.astype(np.float64)))
        case MeanSquaredErrorMetric():
            return _Mean(_squares)
        case RootMeanSquaredError():
            return _Root(_squares)


def _accuracy(metric: Metric, loss: Loss) -> Measure:
    """The accuracy for the targets of a loss."""
    threshold = metric.threshold if isinstance(metric, BinaryAccuracy) else 0.5
    binary = isinstance(metric, BinaryAccuracy) or (
        isinstance(metric, Accuracy) and loss.kind == "binary"
    )
    if binary:
        return _Mean(lambda y, t: _truth(t, loss) == (y > np.float32(threshold)))
    return _Mean(lambda y, t: y.argmax(-1) == _labels(t, y))


def _squares(y: NDArray[Any], t: NDArray[Any]) -> NDArray[np.float64]:
    return (y - t.astype(np.float64)) ** 2


def _labels(t: NDArray[Any], y: NDArray[Any]) -> NDArray[Any]:
    """Class indices: the targets, or the index of the largest value of each."""
    return t if t.ndim < y.ndim else t.argmax(-1)


def _truth(t: NDArray[Any], loss: Loss) -> NDArray[Any]:
    """Targets as yes and no, compared as Keras does: a target between the two is neither."""
    return np.maximum(t, 0) if loss.kind == "signs" else t


def _among_largest(y: NDArray[Any], t: NDArray[Any], k: int) -> NDArray[np.bool_]:
    """Whether fewer than k outputs are larger than the output of the class."""
    right = np.take_along_axis(y, _labels(t, y)[..., None].astype(np.int64), -1)
    return (y > right).sum(-1) < k


class _Mean(Measure):
    """The mean of a function of outputs and targets."""

    def __init__(self, values: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]) -> None:
        self._values = values
        self._sum, self._count = 0.0, 0

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        values = self._values(outputs, targets)
        self._sum += float(values.sum(dtype=np.float64))
        self._count += values.size

    def figure(self) -> float:
        return self._sum / max(self._count, 1)


class _Root(_Mean):
    """The root of the mean."""

    def figure(self) -> float:
        return float(np.sqrt(super().figure()))


class _Curve(Measure):
    """The area under a curve; see keras/src/metrics/confusion_metrics.py, 3.15."""

    def __init__(self, metric: AUC) -> None:
        count = metric.num_thresholds
        between = np.arange(1, count - 1, dtype=np.float64) / (count - 1)
        self._thresholds = np.array([-EPSILON, *between, 1 + EPSILON], np.float32)
        self._curve = metric.curve
        self._yes = np.zeros(count)  # of the truths, those above each threshold
        self._no = np.zeros(count)
        self._all = np.zeros(2)

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        y, t = outputs, targets
        if t.ndim < y.ndim:
            t = np.eye(y.shape[-1], dtype=np.bool_)[t]
        flat, truth = y.reshape(-1), t.reshape(-1) > 0
        # How many thresholds lie below each value: it counts for all of them.
        below = np.searchsorted(self._thresholds, flat, side="left")
        self._yes += self._above(below[truth])
        self._no += self._above(below[~truth])
        self._all += (truth.sum(), (~truth).sum())

    def _above(self, below: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many values are larger than each threshold."""
        per = np.bincount(below, minlength=len(self._thresholds) + 1)
        return per[::-1].cumsum()[::-1][1:]

    def figure(self) -> float:
        right, wrong = self._yes, self._no
        positives, negatives = self._all
        if self._curve == "ROC":
            recall, fallout = _ratio(right, positives), _ratio(wrong, negatives)
            return float(((recall[1:] + recall[:-1]) / 2 * (fallout[:-1] - fallout[1:])).sum())
        return self._under_precision(right, wrong, positives)

    def _under_precision(
        self, right: NDArray[np.float64], wrong: NDArray[np.float64], positives: float
    ) -> float:
        """Davis and Goadrich's interpolation (2006), as Keras has it."""
        step = right[:-1] - right[1:]
        named = right + wrong  # falls from threshold to threshold
        slope = _ratio(step, named[:-1] - named[1:])
        intercept = right[1:] - slope * named[1:]
        ratio = np.where(named[1:] > 0, _ratio(named[:-1], named[1:]), 1.0)
        return float(_ratio(slope * (step + intercept * np.log(ratio)), positives).sum())


def _ratio(top: NDArray[np.float64], bottom: Any) -> NDArray[np.float64]:
    """A quotient that is 0 where nothing is divided by."""
    whole = np.broadcast_to(np.asarray(bottom, np.float64), top.shape)
    return np.divide(top, whole, out=np.zeros_like(top), where=whole != 0)


class _Counts(ABC):
    """True positives, false positives and false negatives, (1,) or for every class (classes,)."""

    def __init__(self, classes: int) -> None:
        self.right, self.wrong, self.missed = (np.zeros(classes) for _ in range(3))

    @abstractmethod
    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None: ...


class _Yes(_Counts):
    """Of yes and no, which a threshold decides; all outputs together."""

    def __init__(self, threshold: float, loss: Loss) -> None:
        super().__init__(1)
        self._threshold, self._loss = np.float32(threshold), loss

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        answers, there = outputs > self._threshold, _truth(targets, self._loss) > 0
        self.right += (answers & there).sum()
        self.wrong += (answers & ~there).sum()
        self.missed += (~answers & there).sum()


class _Classes(_Counts):
    """Of classes that exclude each other: a matrix of truths (rows) and answers (columns)."""

    def __init__(self, classes: int) -> None:
        super().__init__(classes)
        self.matrix = np.zeros((classes, classes), np.int64)

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        classes = len(self.matrix)
        if outputs.shape[-1] == 1:
            answers, truths = outputs[..., 0] > 0.5, targets.reshape(outputs.shape)[..., 0] > 0.5
        else:
            answers, truths = outputs.argmax(-1), _labels(targets, outputs)
        places = truths.astype(np.int64) * classes + answers
        counts = np.bincount(places.reshape(-1), minlength=classes**2)
        self.matrix += counts.reshape(classes, classes)
        self.right = np.diag(self.matrix).astype(np.float64)
        self.wrong = self.matrix.sum(0) - self.right
        self.missed = self.matrix.sum(1) - self.right


class _Rate(Measure):
    """Precision, recall or F1, the mean over the classes."""

    def __init__(self, metric: Precision | Recall | F1Score, counts: _Counts) -> None:
        self._metric, self._counts = metric, counts

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        self._counts.add(outputs, targets)

    def figure(self) -> float:
        right, wrong, missed = self._counts.right, self._counts.wrong, self._counts.missed
        match self._metric:
            case Precision():
                rates = _ratio(right, right + wrong)
            case Recall():
                rates = _ratio(right, right + missed)
            case F1Score():
                rates = _ratio(2 * right, 2 * right + wrong + missed)
        return float(rates.mean())


class _Matrix(Measure):
    """How often each class got each answer."""

    def __init__(self, counts: _Classes) -> None:
        self._counts = counts

    def add(self, outputs: NDArray[Any], targets: NDArray[Any]) -> None:
        self._counts.add(outputs, targets)

    def figure(self) -> list[list[int]]:
        return self._counts.matrix.tolist()
