"""How many positions of examples and of batches count in the loss of each output."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.data import Examples
from netspec.data.examples import parts
from netspec.data.mapped import Stored
from netspec.language.training.losses import Loss
from netspec.numerics.losses import counted
from netspec.numerics.weights import Array

Counts: TypeAlias = NDArray[np.int64]


def positions_of_examples(examples: Examples, objectives: Sequence[Objective]) -> Counts | None:
    """The number (n, outputs) of the positions of every example that count.

    None where all positions of all outputs count: no loss has `ignore_class`.
    """
    if all(objective.ignored_index is None for objective in objectives):
        return None
    counts = np.empty((len(examples), len(objectives)), np.int64)
    for place, objective in enumerate(objectives):
        all_positions = prod(objective.shape[:-1])
        ignores = objective.ignored_index is not None
        targets = examples.targets[place]
        counts[:, place] = _counts(objective.loss, targets) if ignores else all_positions
    return counts


def _counts(loss: Loss, targets: Stored) -> Counts:
    masks = (counted(loss, part) for part in parts(targets))
    return np.concatenate(
        [np.count_nonzero(mask.reshape(len(mask), -1), -1) for mask in masks if mask is not None]
    )


def positions_of_batches(counts: Counts, order: NDArray[np.int64], batch_size: int) -> Counts:
    """The number (batches, outputs) of the positions of every batch of `order` that count."""
    return np.add.reduceat(counts[order], np.arange(0, len(order), batch_size))


def accumulated_shares(
    epoch: int, steps: int, accumulated: int, counts_of: Callable[[int], Counts]
) -> Array:
    """The factors (steps, outputs) of the losses of an epoch whose gradients are accumulated.

    `counts_of` returns the positions (steps, outputs) of the batches of an epoch that count, and
    `accumulated` batches make one step of the optimizer, also across epochs. It uses the mean of
    their gradients. With these factors this is the gradient of one batch of all of them: of the
    mean over all positions that count.
    """
    first = (epoch - 1) * steps
    begin = first - first % accumulated
    end = -(-(first + steps) // accumulated) * accumulated
    epochs = range(begin // steps + 1, (end - 1) // steps + 2)
    counts = np.concatenate([counts_of(number) for number in epochs])
    start = (epochs[0] - 1) * steps
    groups = counts[begin - start : end - start].reshape(-1, accumulated, counts.shape[-1])
    totals = np.maximum(groups.sum(1, keepdims=True), 1)
    factors = (accumulated * groups / totals).reshape(-1, counts.shape[-1])
    return factors[first - begin :][:steps].astype(np.float32)
