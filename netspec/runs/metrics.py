"""The figures of an epoch and of a test, computed the same way for every backend."""

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
"""The figures of an epoch or of a test, as a line of metrics.jsonl holds them."""

NO_FIGURES = ("epoch", "learning_rate", "seconds", "images_per_second")
"""What a record holds beside losses and metrics."""


class Meter:
    """Gathers the figures of an epoch, step by step, as Keras's `fit` does.

    Losses and metrics are those that training saw: of batches, before each step.
    """

    def __init__(self, network: Network, examples: Examples, order: NDArray[np.int64]) -> None:
        """`order` is that in which the epoch sees the examples."""
        self._asked = network.objectives
        self._examples = examples
        self._order = order
        self._batch_size = network.spec.train.batch_size if network.spec.train else 1
        self._measures = _Measures(self._asked, training=True)
        self._sums = np.zeros(1 + len(self._asked) * (len(self._asked) > 1))
        self._correct = 0
        self.done = 0

    def add(self, steps: Steps) -> None:
        """Take in what the next steps gave."""
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
        if gives_logits(self._asked) and not steps.logits:
            message = "the backend gives no outputs of its steps, and a metric needs them"
            raise BackendError(message, "leave all metrics but accuracy out")
        if steps.logits:
            chosen = self._order[start : self.done]
            self._measures.add(steps.logits, self._examples.answers(chosen))

    def record(self) -> Record:
        """The figures of the steps so far."""
        means = [float(each) / max(self.done, 1) for each in self._sums]
        found = _named(self._asked, means) | self._measures.record()
        if "accuracy" in found and self._correct_counts():
            answers = np.prod(self._asked[0].target_shape, dtype=np.int64) * max(self.done, 1)
            found["accuracy"] = self._correct / int(answers)
        return found

    def _correct_counts(self) -> bool:
        return self._measures.seen == 0


class _Measures:
    """The metrics of every output."""

    def __init__(self, asked: Sequence[Objective], *, training: bool) -> None:
        self._asked = asked
        self._by_output = [
            {
                metric.tag: measure(metric, each)
                for metric in (each.training_metrics if training else each.metrics)
            }
            for each in asked
        ]
        self.seen = 0

    def add(self, logits: Sequence[NDArray[Any]], targets: Sequence[NDArray[Any]]) -> None:
        self.seen += len(logits[0])
        for asked, measures, y, t in zip(
            self._asked, self._by_output, logits, targets, strict=True
        ):
            outputs = probabilities(y, asked) if measures else y
            for each in measures.values():
                each.add(outputs, t)

    def record(self) -> Record:
        found: Record = {}
        for asked, measures in zip(self._asked, self._by_output, strict=True):
            prefix = f"{asked.output}_" if len(self._asked) > 1 else ""
            found |= {f"{prefix}{tag}": each.figure() for tag, each in measures.items()}
        return found


def _named(asked: Sequence[Objective], means: Sequence[float]) -> Record:
    """The loss, and with several outputs that of each, by their names."""
    names = ["loss", *(f"{each.output}_loss" for each in asked)]
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
    asked = network.objectives
    measures = _Measures(asked, training=prefix != "test_")
    sums = np.zeros(len(asked))
    graph = network.graph
    largest = max(prod(each.shape) for each in (*graph.inputs, *graph.nodes))
    for part in examples.parts(largest):
        logits, targets = predictor.logits(*part.values()), part.answers()
        measures.add(logits, targets)
        for index, (each, y, t) in enumerate(zip(asked, logits, targets, strict=True)):
            values = losses.by_example(each.loss, y, t)
            sums[index] += values.sum() if part.weights is None else values @ part.weights
    means = sums / len(examples)
    total = float(means @ [each.weight for each in asked])
    if weights is not None:
        total += penalty(network.graph, weights)
    record = _named(asked, [total, *(means.tolist() if len(asked) > 1 else ())])
    return {f"{prefix}{name}": value for name, value in (record | measures.record()).items()}
