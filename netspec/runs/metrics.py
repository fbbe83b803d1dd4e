"""The metrics of an epoch and of a test, computed in the same way for every backend."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.backend import Predictor, Steps, gives_logits
from netspec.checks.objectives import Objective
from netspec.data import Examples
from netspec.network import Network
from netspec.numerics import losses
from netspec.numerics.losses import penalty
from netspec.numerics.measures import Figure, measure, probabilities
from netspec.numerics.weights import Weights
from netspec.text.diagnostics import BackendError

Record: TypeAlias = dict[str, Figure]
"""The metrics of an epoch or of a test, as in a line of metrics.jsonl."""

NO_FIGURES = ("epoch", "learning_rate", "seconds", "images_per_second")
"""What a record holds beside losses and metrics."""


class Meter:
    """Collects the metrics of an epoch, step by step, as Keras's `fit` does.

    Losses and metrics are those that training saw: of batches, before each step.
    """

    def __init__(self, network: Network, examples: Examples, order: NDArray[np.int64]) -> None:
        """`order` is that in which the epoch sees the examples."""
        self._objectives = network.objectives
        self._examples = examples
        self._order = order
        self._batch_size = network.spec.train.batch_size if network.spec.train else 1
        self._measures = _Measures(self._objectives, training=True)
        self._sums = np.zeros(1 + len(self._objectives) * (len(self._objectives) > 1))
        self._correct = 0
        self.done = 0

    def add(self, steps: Steps) -> None:
        """Add the report of the next steps."""
        start, count = self.done, len(steps.losses)
        whole = np.full(count, self._batch_size, np.int64)
        sizes = np.minimum(whole, len(self._order) - start - whole.cumsum() + whole)
        columns = steps.losses[:, None].astype(np.float64)
        if steps.by_output is not None:
            columns = np.hstack([columns, steps.by_output])
        self._sums += sizes @ columns
        self.done += int(sizes.sum())
        if steps.correct is not None:
            self._correct += int(steps.correct.sum())
        if gives_logits(self._objectives) and not steps.logits:
            message = "the backend returns no outputs of its steps, and a metric needs them"
            raise BackendError(message, "leave all metrics but accuracy out")
        if steps.logits:
            chosen = self._order[start : self.done]
            self._measures.add(steps.logits, self._examples.answers(chosen))

    def record(self) -> Record:
        """The metrics of the steps until now."""
        means = [float(total) / max(self.done, 1) for total in self._sums]
        record = _named(self._objectives, means) | self._measures.record()
        if "accuracy" in record and self._correct_counts():
            answers = np.prod(self._objectives[0].target_shape, dtype=np.int64) * max(self.done, 1)
            record["accuracy"] = self._correct / int(answers)
        return record

    def _correct_counts(self) -> bool:
        return self._measures.seen == 0


class _Measures:
    """The metrics of every output."""

    def __init__(self, objectives: Sequence[Objective], *, training: bool) -> None:
        self._objectives = objectives
        self._by_output = [
            {
                metric.tag: measure(metric, objective)
                for metric in (objective.training_metrics if training else objective.metrics)
            }
            for objective in objectives
        ]
        self.seen = 0

    def add(self, logits: Sequence[NDArray[Any]], targets: Sequence[NDArray[Any]]) -> None:
        self.seen += len(logits[0])
        for objective, measures, y, t in zip(
            self._objectives, self._by_output, logits, targets, strict=True
        ):
            outputs = probabilities(y, objective) if measures else y
            for metric in measures.values():
                metric.add(outputs, t)

    def record(self) -> Record:
        record: Record = {}
        for objective, measures in zip(self._objectives, self._by_output, strict=True):
            prefix = f"{objective.output}_" if len(self._objectives) > 1 else ""
            record |= {f"{prefix}{tag}": metric.figure() for tag, metric in measures.items()}
        return record


def _named(objectives: Sequence[Objective], means: Sequence[float]) -> Record:
    """The loss, and with several outputs the loss of each, by name."""
    names = ["loss", *(f"{objective.output}_loss" for objective in objectives)]
    return dict(zip(names, means, strict=False))


def evaluate(
    predictor: Predictor,
    weights: Weights | None,
    examples: Examples,
    network: Network,
    prefix: str,
) -> Record:
    """Loss and metrics of a model on examples; every name begins with the prefix, as in `test_`.

    The loss contains the penalties on the model's `weights`, as Keras's does; None leaves the
    penalties out. Only a test has what is
    not a number, such as a confusion matrix.
    """
    objectives = network.objectives
    measures = _Measures(objectives, training=prefix != "test_")
    sums = np.zeros(len(objectives))
    graph = network.graph
    largest = max(prod(tensor.shape) for tensor in (*graph.inputs, *graph.nodes))
    for part in examples.parts(largest):
        logits, targets = predictor.logits(*part.values()), part.answers()
        measures.add(logits, targets)
        for index, (objective, y, t) in enumerate(zip(objectives, logits, targets, strict=True)):
            values = losses.by_example(objective.loss, y, t)
            sums[index] += values.sum() if part.weights is None else values @ part.weights
    means = sums / len(examples)
    total = float(means @ [objective.weight for objective in objectives])
    if weights is not None:
        total += penalty(network.graph, weights)
    record = _named(objectives, [total, *(means.tolist() if len(objectives) > 1 else ())])
    return {f"{prefix}{name}": value for name, value in (record | measures.record()).items()}
