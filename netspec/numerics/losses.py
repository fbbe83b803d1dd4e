"""The losses in NumPy, in float64, for outputs of any backend."""

from __future__ import annotations

from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import ignored_index
from netspec.graph import Graph
from netspec.language.layers.regularizers import factors
from netspec.language.training.losses import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    Huber,
    KLDivergence,
    Loss,
    MeanAbsoluteError,
    MeanSquaredError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from netspec.numerics.weights import Weights

Values: TypeAlias = NDArray[np.float64]

EPSILON = 1e-7  # Keras's


def summed(loss: Loss, outputs: NDArray[Any], targets: NDArray[Any]) -> Values:
    """The sum (n,) of the losses at the positions of every example that count.

    It is for outputs (n, …, values) and their targets. A cross-entropy takes logits, every other
    loss the outputs of the network.
    """
    values = _values(loss, outputs.astype(np.float64), targets)
    return values.reshape(len(values), -1).sum(-1)


def positions(loss: Loss, outputs: NDArray[Any], targets: NDArray[Any]) -> NDArray[np.int64]:
    """The number (n,) of the positions of every example that count in its loss."""
    mask = counted(loss, targets)
    if mask is None:
        return np.full(len(outputs), prod(outputs.shape[1:-1]), np.int64)
    return np.count_nonzero(mask.reshape(len(mask), -1), -1)


def counted(loss: Loss, targets: NDArray[Any]) -> NDArray[np.bool_] | None:
    """Whether each target counts; None where all of them do."""
    index = ignored_index(loss)
    return None if index is None else targets != index


def _values(loss: Loss, y: Values, t: NDArray[Any]) -> Values:
    """A loss for every vector along the last axis of y (…, values)."""
    match loss:
        case SparseCategoricalCrossentropy():
            return _sparse(loss, y, t)
        case CategoricalCrossentropy():
            smooth = (1 - loss.label_smoothing) * t + loss.label_smoothing / y.shape[-1]
            return -(smooth * _log_probabilities(y)).sum(-1)
        case BinaryCrossentropy():
            return _binary(loss, y, t)
        case MeanSquaredError():
            return ((y - t) ** 2).mean(-1)
        case MeanAbsoluteError():
            return np.abs(y - t).mean(-1)
        case Huber():
            error, delta = np.abs(y - t), loss.delta
            parts = np.where(error <= delta, error**2 / 2, delta * error - delta**2 / 2)
            return parts.mean(-1)
        case KLDivergence():
            p, q = np.clip(t, EPSILON, 1), np.clip(y, EPSILON, 1)
            return (p * np.log(p / q)).sum(-1)
        case Poisson():
            return (y - t * np.log(y + EPSILON)).mean(-1)
        case Hinge():
            return _margins(y, t).mean(-1)
        case SquaredHinge():
            return (_margins(y, t) ** 2).mean(-1)
        case CategoricalHinge():
            return np.maximum(((1 - t) * y).max(-1) - (t * y).sum(-1) + 1, 0)
        case CosineSimilarity():
            return -(_unit(y) * _unit(t)).sum(-1)


def _sparse(loss: SparseCategoricalCrossentropy, y: Values, t: NDArray[Any]) -> Values:
    logs, mask = _log_probabilities(y), counted(loss, t)
    classes = t if mask is None else np.where(mask, t, 0)
    right = np.take_along_axis(logs, classes[..., None].astype(np.int64), -1)[..., 0]
    part = loss.label_smoothing
    values = -((1 - part) * right + part * logs.mean(-1))
    return values if mask is None else np.where(mask, values, 0)


def _log_probabilities(logits: Values) -> Values:
    """The logarithms of the probabilities along the last axis, which add up to 1."""
    shifted = logits - logits.max(-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(-1, keepdims=True))


def _binary(loss: BinaryCrossentropy, y: Values, t: NDArray[Any]) -> Values:
    t = (1 - loss.label_smoothing) * t + loss.label_smoothing / 2
    return (t * np.logaddexp(0, -y) + (1 - t) * np.logaddexp(0, y)).mean(-1)


def _margins(y: Values, t: NDArray[Any]) -> Values:
    """The distance of each output from the right side; targets of 0 count as -1."""
    return np.maximum(1 - np.where(t == 0, -1, t) * y, 0)


def _unit(values: NDArray[Any]) -> Values:
    wide = values.astype(np.float64)
    return wide / np.maximum(np.sqrt((wide**2).sum(-1, keepdims=True)), EPSILON)


def penalty(graph: Graph, weights: Weights) -> float:
    """The penalty of the regularizers of a graph for these weights, in float64."""
    total = 0.0
    for key, weight in graph.weights():
        if weight.regularizer is not None and weight.trainable:
            l1, l2 = factors(weight.regularizer)
            value = weights[key].astype(np.float64)
            total += l1 * float(np.abs(value).sum()) + l2 * float(np.square(value).sum())
    return total
