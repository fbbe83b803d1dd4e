"""The learning rate of a step, by Keras's formulas, for generated modules.

`netspec.backend.emit.schedules` cuts the bodies out of this file. `step` counts from 0. The other
parameters before `*` are variables of the generated function: lengths in steps, and lists. The
parameters after `*` become numbers. A parameter with a default is decided when a body is cut: an
`if` about it becomes one branch.
"""

import math
from collections.abc import Sequence


def exponential_decay(
    step: int,
    decay_steps: int,
    *,
    initial_learning_rate: float,
    decay_rate: float,
    staircase: bool = False,
) -> float:
    """ExponentialDecay."""
    p = step / decay_steps
    if staircase:
        p = math.floor(p)
    return initial_learning_rate * decay_rate**p


def inverse_time_decay(
    step: int,
    decay_steps: int,
    *,
    initial_learning_rate: float,
    decay_rate: float,
    staircase: bool = False,
) -> float:
    """InverseTimeDecay."""
    p = step / decay_steps
    if staircase:
        p = math.floor(p)
    return initial_learning_rate / (1 + decay_rate * p)


def polynomial_decay(
    step: int,
    decay_steps: int,
    *,
    initial_learning_rate: float,
    end_learning_rate: float,
    power: float,
    cycle: bool = False,
) -> float:
    """PolynomialDecay."""
    if cycle:
        p = step / (decay_steps * max(math.ceil(step / decay_steps), 1))
    else:
        p = min(step / decay_steps, 1)
    fall = initial_learning_rate - end_learning_rate
    return fall * (1 - p) ** power + end_learning_rate


def cosine_decay(
    step: int, decay_steps: int, *, initial_learning_rate: float, alpha: float = 0.0
) -> float:
    """CosineDecay without a warm-up."""
    p = min(step / decay_steps, 1)
    wave = (1 + math.cos(math.pi * p)) / 2
    if alpha:
        wave = (1 - alpha) * wave + alpha
    return initial_learning_rate * wave


def warmup_and_cosine_decay(
    step: int,
    warmup_steps: int,
    decay_steps: int,
    *,
    initial_learning_rate: float,
    warmup_target: float,
    alpha: float = 0.0,
) -> float:
    """CosineDecay with a warm-up."""
    if step < warmup_steps:
        rise = warmup_target - initial_learning_rate
        return initial_learning_rate + rise * step / warmup_steps
    p = min((step - warmup_steps) / decay_steps, 1)
    wave = (1 + math.cos(math.pi * p)) / 2
    if alpha:
        wave = (1 - alpha) * wave + alpha
    return warmup_target * wave


def cosine_decay_restarts(
    step: float,
    first_decay_steps: float,
    *,
    initial_learning_rate: float,
    t_mul: float,
    m_mul: float,
    alpha: float = 0.0,
) -> float:
    """CosineDecayRestarts."""
    length, height = first_decay_steps, 1.0
    while step >= length:
        step -= length
        length, height = t_mul * length, m_mul * height
    wave = height * (1 + math.cos(math.pi * step / length)) / 2
    if alpha:
        wave = (1 - alpha) * wave + alpha
    return initial_learning_rate * wave


def piecewise_constant_decay(
    step: int, boundaries: Sequence[int], values: Sequence[float]
) -> float:
    """PiecewiseConstantDecay."""
    for boundary, value in zip(boundaries, values, strict=False):
        if step <= boundary:
            return value
    return values[-1]


def one_cycle(
    step: int, phases: Sequence[tuple[float, float]], *, first: float, cosine: bool = False
) -> float:
    """OneCycle; a phase is its last step, and the change of the rate within it."""
    begin, rate = 0.0, first
    for end, change in phases:
        p = min(max((step - begin) / (end - begin), 0), 1)
        if cosine:
            p = (1 - math.cos(math.pi * p)) / 2
        begin, rate = end, rate + change * p
    return rate
