"""The learning rates of the steps of a training by its schedule, in float32 as in Keras.

`netspec.language.training.schedules` names the sources of the formulas.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import singledispatch
from math import inf, pi
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    LearningRate,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
)

Values: TypeAlias = NDArray[np.floating[Any]]
Rates: TypeAlias = NDArray[np.float32]
History: TypeAlias = Sequence[Mapping[str, float]]


@dataclass(frozen=True)
class Span:
    """The length of a training. A step is a batch, also where gradients are accumulated."""

    epochs: int
    steps_per_epoch: int

    @property
    def steps(self) -> int:
        """The steps of the whole training."""
        return self.epochs * self.steps_per_epoch


def epoch_rates(learning_rate: LearningRate, epoch: int, span: Span, history: History) -> Rates:
    """The learning rates of the steps of an epoch, which counts from 1, (steps_per_epoch,).

    `history` contains the records of the epochs before it. Raises KeyError where they lack the
    metric that the learning rate depends on.
    """
    if isinstance(learning_rate, Schedule):
        end = epoch * span.steps_per_epoch
        steps = np.arange(end - span.steps_per_epoch, end, dtype=np.float32)
        return _rates(learning_rate, steps, span)
    if isinstance(learning_rate, ReduceOnPlateau):
        learning_rate = float(_reduced(learning_rate, history))
    return np.full(span.steps_per_epoch, learning_rate, np.float32)


@singledispatch
def _rates(schedule: Schedule, steps: Rates, span: Span) -> Rates:
    """The learning rates of some steps, (n,) to (n,)."""
    raise NotImplementedError(schedule)


def _length(schedule: Schedule, count: int | None, span: Span) -> np.float32:
    """A length in steps; None is the whole training."""
    if count is None:
        return np.float32(span.steps)
    return np.float32(count * span.steps_per_epoch if schedule.unit == "epochs" else count)


@_rates.register
def _(schedule: ExponentialDecay, steps: Rates, span: Span) -> Rates:
    p = steps / _length(schedule, schedule.decay_steps, span)
    p = np.floor(p) if schedule.staircase else p
    return np.float32(schedule.initial_learning_rate) * np.float32(schedule.decay_rate) ** p


@_rates.register
def _(schedule: InverseTimeDecay, steps: Rates, span: Span) -> Rates:
    p = steps / _length(schedule, schedule.decay_steps, span)
    p = np.floor(p) if schedule.staircase else p
    return np.float32(schedule.initial_learning_rate) / (1 + np.float32(schedule.decay_rate) * p)


@_rates.register
def _(schedule: PolynomialDecay, steps: Rates, span: Span) -> Rates:
    length = _length(schedule, schedule.decay_steps, span)
    if schedule.cycle:
        p = steps / (length * np.maximum(np.ceil(steps / length), np.float32(1)))
    else:
        p = np.minimum(steps, length) / length
    end = np.float32(schedule.end_learning_rate)
    fall = np.float32(schedule.initial_learning_rate) - end
    return fall * (1 - p) ** np.float32(schedule.power) + end


@_rates.register
def _(schedule: CosineDecay, steps: Rates, span: Span) -> Rates:
    first = np.float32(schedule.initial_learning_rate)
    warmup = _length(schedule, schedule.warmup_steps, span)
    length = _length(schedule, schedule.decay_steps, span)
    if schedule.warmup_target is None:
        wave = _cosine(schedule, np.minimum(steps, length) / length)
        return (first * wave).astype(np.float32)
    if schedule.decay_steps is None:
        length = np.maximum(length - warmup, np.float32(1))
    target = np.float32(schedule.warmup_target)
    rising = (target - first) * (steps / np.maximum(warmup, np.float32(1))) + first
    falling = target * _cosine(schedule, np.minimum(steps - warmup, length) / length)
    return np.where(steps < warmup, rising, falling)


def _cosine(schedule: CosineDecay, p: Values) -> Values:
    return (1 - schedule.alpha) * (0.5 * (1.0 + np.cos(np.float32(pi) * p))) + schedule.alpha


@_rates.register
def _(schedule: CosineDecayRestarts, steps: Rates, span: Span) -> Rates:
    t_mul, alpha = np.float32(schedule.t_mul), np.float32(schedule.alpha)
    p = steps / _length(schedule, schedule.first_decay_steps, span)
    if t_mul == 1:
        wave = np.floor(p)
        p = p - wave
    else:
        wave = np.floor(np.log(1 - p * (1 - t_mul)) / np.log(t_mul))
        p = (p - (1 - t_mul**wave) / (1 - t_mul)) / t_mul**wave
    cosine = 0.5 * np.float32(schedule.m_mul) ** wave * (1 + np.cos(np.float32(pi) * p))
    return np.float32(schedule.initial_learning_rate) * ((1 - alpha) * cosine + alpha)


@_rates.register
def _(schedule: PiecewiseConstantDecay, steps: Rates, span: Span) -> Rates:
    ends = [_length(schedule, boundary, span) for boundary in schedule.boundaries]
    return np.array(schedule.values, np.float32)[np.searchsorted(ends, steps)]


@_rates.register
def _(schedule: OneCycle, steps: Rates, span: Span) -> Rates:
    total = float(_length(schedule, schedule.total_steps, span))
    positions = np.minimum(steps.astype(np.float64), total - 1)
    rates, begin = np.zeros_like(positions), 0.0
    phase = np.full(positions.shape, -inf)  # the last step of the phase that a step is in
    for first, last, share, less in schedule.phases():
        end = share * total + less
        p = (positions - begin) / (end - begin) if end != begin else np.ones_like(positions)
        if schedule.anneal_strategy == "cos":
            annealed = last + (first - last) / 2 * (np.cos(pi * p) + 1)
        else:
            annealed = (last - first) * p + first
        rates = np.where(positions > phase, annealed, rates)
        phase, begin = np.full(positions.shape, end), end
    return rates.astype(np.float32)


def _reduced(schedule: ReduceOnPlateau, history: History) -> np.float32:
    """The learning rate after the epochs of `history`, which contains their records."""
    sign = 1 if schedule.smaller_is_better else -1
    rate, best = np.float32(schedule.initial_learning_rate), inf
    wait = cooldown = 0
    for record in history:
        value = sign * record[schedule.monitor]
        if cooldown:
            cooldown -= 1
            wait = 0
        if value + schedule.min_delta < best:
            best, wait = value, 0
        elif not cooldown:
            wait += 1
            if wait >= schedule.patience and rate > np.float32(schedule.min_lr):
                rate = np.float32(max(float(rate) * schedule.factor, schedule.min_lr))
                wait, cooldown = 0, schedule.cooldown
    return rate
