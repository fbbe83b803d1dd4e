"""The figures of an epoch and of a test, computed the same way for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Predictor, Steps
from netspec.data import Examples
from netspec.spec import Train
from netspec.weights import Array

Record: TypeAlias = dict[str, int | float]
"""The figures of an epoch or of a test, as a line of metrics.jsonl holds them."""


def training_record(steps: Sequence[Steps], sizes: NDArray[np.int64], train: Train) -> Record:
    """Loss and metrics over the steps of an epoch, whose batches have these sizes.

    As in Keras's `fit`, they are taken while the weights move, before each step.
    """
    losses = np.concatenate([part.losses for part in steps]).astype(np.float64)
    correct = sum(int(part.correct.sum()) for part in steps)
    images = int(sizes[: len(losses)].sum())
    record = {"loss": float(losses @ sizes[: len(losses)] / images)}
    if "accuracy" in train.metrics:
        record["accuracy"] = correct / images
    return record


def evaluate(predictor: Predictor, examples: Examples, train: Train, prefix: str) -> Record:
    """Loss and metrics of a model on examples; every name begins with the prefix."""
    outputs = predictor.predict(examples.inputs)
    record = {"loss": crossentropy(outputs, examples.labels, from_logits=train.loss.from_logits)}
    if "accuracy" in train.metrics:
        record["accuracy"] = float((outputs.argmax(-1) == examples.labels).mean())
    return {f"{prefix}{name}": value for name, value in record.items()}


def crossentropy(outputs: Array, labels: NDArray[np.int32], *, from_logits: bool) -> float:
    """The mean of -log p(label), in float64, for outputs (n, classes).

    Probabilities are clipped at the smallest normal float32, where Keras clips at 1e-7.
    """
    values = outputs.astype(np.float64)
    if from_logits:
        values -= values.max(-1, keepdims=True)
        logs = values - np.log(np.exp(values).sum(-1, keepdims=True))
    else:
        logs = np.log(np.maximum(values, np.finfo(np.float32).tiny))
    return float(-logs[np.arange(len(labels)), labels].mean())
