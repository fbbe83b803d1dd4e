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
from netspec.runs.counted import Counts, positions_of_batches
from netspec.text.diagnostics import BackendError

Record: TypeAlias = dict[str, Figure]
"""The metrics of an epoch or of a test, as in a line of metrics.jsonl."""

NO_FIGURES = ("epoch", "learning_rate", "seconds", "images_per_second")
"""What a record holds beside losses and metrics."""


class Meter:
    """Collects the metrics of an epoch, step by step, as Keras's `fit` does.

    Losses and metrics are those that training saw: of batches, before each step.
    """

    def __init__(
        self,
        network: Network,
        examples: Examples,
        order: NDArray[np.int64],
        counts: Counts | None = None,
    ) -> None:
        """`order` is that in which the epoch sees the examples.

        `counts` (n, outputs) are the positions of every example that count, None where all do.
        """
        self._objectives = network.objectives
        self._examples = examples
        self._order = order
        self._counts = counts
        self._batch_size = network.spec.train.batch_size if network.spec.train else 1
        self._measures = _Measures(self._objectives, training=True)
        self._losses = _Losses(self._objectives)
        self._correct = 0
        self.done = 0

    def add(self, steps: Steps) -> None:
        """Add the report of the next steps."""
        start, count = self.done, len(steps.losses)
        whole = np.full(count, self._batch_size, np.int64)
        sizes = np.minimum(whole, len(self._order) - start - whole.cumsum() + whole)
        self.done += int(sizes.sum())
        self._losses.add(steps, sizes, self._positions(sizes, start))
        if steps.correct is not None:
            self._correct += int(steps.correct.sum())
        if gives_logits(self._objectives) and not steps.logits:
            message = "the backend returns no outputs of its steps, and a metric needs them"
            raise BackendError(message, "leave all metrics but accuracy out")
        if steps.logits:
            chosen = self._order[start : self.done]
            self._measures.add(steps.logits, self._examples.answers(chosen))

    def _positions(self, sizes: NDArray[np.int64], start: int) -> Counts:
        """The positions (steps, outputs) of the next steps that count."""
        if self._counts is None:
            of_each = [prod(objective.shape[:-1]) for objective in self._objectives]
            return sizes[:, None] * np.array(of_each, np.int64)
        chosen = self._order[start : self.done]
        return positions_of_batches(self._counts, chosen, self._batch_size)

    def record(self) -> Record:
        """The metrics of the steps until now."""
        record = _named(self._objectives, self._losses.means()) | self._measures.record()
        if "accuracy" in record and self._correct_counts():
            record["accuracy"] = self._correct / max(self._losses.positions, 1)
        return record

    def _correct_counts(self) -> bool:
        return self._measures.seen == 0


class _Losses:
    """The losses of steps: the loss of each output, and with several outputs their sum.

    A step counts as many times as positions of it count. What a sum contains beside the losses, the
    penalties on weights, counts once for every example.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        self._weights = np.array([objective.weight for objective in objectives])
        self._sums, self._counts = np.zeros(len(objectives)), np.zeros(len(objectives), np.int64)
        self._others, self._examples = 0.0, 0

    def add(self, steps: Steps, sizes: NDArray[np.int64], positions: Counts) -> None:
        """Add steps of `sizes` examples, and of `positions` (steps, outputs) that count."""
        total = steps.losses.astype(np.float64)
        by_output = total[:, None] if steps.by_output is None else steps.by_output
        self._sums += (positions * by_output).sum(0)
        self._counts += positions.sum(0)
        if steps.by_output is not None:
            self._others += float(sizes @ (total - by_output @ self._weights))
            self._examples += int(sizes.sum())

    @property
    def positions(self) -> int:
        """How many positions of the first output have counted until now."""
        return int(self._counts[0])

    def means(self) -> list[float]:
        """The loss, and with several outputs the loss of each after it."""
        means = self._sums / np.maximum(self._counts, 1)
        if len(means) == 1:
            return means.tolist()
        others = self._others / max(self._examples, 1)
        return [float(means @ self._weights) + others, *means.tolist()]


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
            mask = losses.counted(objective.loss, t)
            chosen, truths = (y, t) if mask is None else (y[mask], t[mask])
            outputs = probabilities(chosen, objective) if measures else chosen
            for metric in measures.values():
                metric.add(outputs, truths)

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
    sums, counts = np.zeros(len(objectives)), np.zeros(len(objectives), np.int64)
    graph = network.graph
    largest = max(prod(tensor.shape) for tensor in (*graph.inputs, *graph.nodes))
    for part in examples.parts(largest):
        logits, targets = predictor.logits(*part.values()), part.answers()
        measures.add(logits, targets)
        for index, (objective, y, t) in enumerate(zip(objectives, logits, targets, strict=True)):
            values = losses.summed(objective.loss, y, t)
            sums[index] += values.sum() if part.weights is None else values @ part.weights
            counts[index] += losses.positions(objective.loss, y, t).sum()
    means = sums / np.maximum(counts, 1)
    total = float(means @ [objective.weight for objective in objectives])
    if weights is not None:
        total += penalty(network.graph, weights)
    record = _named(objectives, [total, *(means.tolist() if len(objectives) > 1 else ())])
    return {f"{prefix}{name}": value for name, value in (record | measures.record()).items()}
