"""The learning rate of chosen steps, computed manually from the formulas of the schedules."""

from __future__ import annotations

from math import cos, pi, sqrt
from typing import Any, get_args

import numpy as np
import pytest

from netspec.language.training.schedules import (
    CosineDecay,
    ExponentialDecay,
    LearningRate,
    OneCycle,
    PiecewiseConstantDecay,
    ReduceOnPlateau,
    StepSchedule,
    spans_training,
)
from netspec.network import loads
from netspec.numerics.rates import Span, epoch_rates

SPAN = Span(epochs=4, steps_per_epoch=10)


def read_rate(text: str) -> LearningRate:
    """The learning rate of a spec with this text for the rate."""
    spec = loads(
        "netspec: 1\nname: a\ninput: [2]\nlayers: [Dense: {units: 1}]\n"
        "train: {loss: mean_squared_error, validation_split: 0.1, "
        f"optimizer: {{sgd: {{learning_rate: {{{text}}}}}}}}}"
    ).spec
    assert spec.train is not None
    return spec.train.optimizer.learning_rate


def rates(schedule: LearningRate, span: Span = SPAN) -> list[float]:
    """The rate of every step of the training."""
    parts = [epoch_rates(schedule, epoch, span, []) for epoch in range(1, span.epochs + 1)]
    assert all(part.shape == (span.steps_per_epoch,) for part in parts)
    assert all(part.dtype == np.float32 for part in parts)
    return np.concatenate(parts).tolist()


# The rates of some of 40 steps for every schedule, in epochs of 10 steps.
STEPS: list[tuple[str, dict[int, float]]] = [
    (
        "exponential_decay: {initial_learning_rate: 0.5, decay_steps: 20, decay_rate: 0.25}",
        {0: 0.5, 10: 0.5 * 0.5, 20: 0.5 * 0.25, 39: 0.5 * 0.25 ** (39 / 20)},
    ),
    (
        "exponential_decay: {initial_learning_rate: 0.5, decay_rate: 0.25, staircase: true}",
        {0: 0.5, 39: 0.5},  # as long as the training
    ),
    (
        "exponential_decay: {initial_learning_rate: 0.5, decay_steps: 1, decay_rate: 0.25, "
        "staircase: true, unit: epochs}",
        {9: 0.5, 10: 0.5 / 4, 19: 0.5 / 4, 20: 0.5 / 16, 39: 0.5 / 64},
    ),
    (
        "inverse_time_decay: {initial_learning_rate: 0.5, decay_steps: 20, decay_rate: 3}",
        {0: 0.5, 10: 0.5 / 2.5, 20: 0.5 / 4, 39: 0.5 / (1 + 3 * 39 / 20)},
    ),
    (
        "inverse_time_decay: {initial_learning_rate: 0.5, decay_steps: 20, decay_rate: 3, "
        "staircase: true}",
        {19: 0.5, 20: 0.5 / 4, 39: 0.5 / 4},
    ),
    (
        "polynomial_decay: {initial_learning_rate: 0.5, decay_steps: 20, end_learning_rate: 0.1, "
        "power: 2}",
        {0: 0.5, 5: 0.4 * 0.75**2 + 0.1, 20: 0.1, 39: 0.1},
    ),
    (
        "polynomial_decay: {initial_learning_rate: 0.5, decay_steps: 16, end_learning_rate: 0.1, "
        "cycle: true}",
        {0: 0.5, 8: 0.3, 16: 0.1, 24: 0.4 * (1 - 24 / 32) + 0.1, 33: 0.4 * (1 - 33 / 48) + 0.1},
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.5, decay_steps: 20, alpha: 0.2}",
        {0: 0.5, 5: 0.5 * (0.8 * (1 + sqrt(0.5)) / 2 + 0.2), 10: 0.3, 20: 0.1, 39: 0.1},
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.1, decay_steps: 20, warmup_target: 0.5, "
        "warmup_steps: 10}",
        {0: 0.1, 5: 0.3, 10: 0.5, 20: 0.25, 30: 0, 39: 0},
    ),
    (  # the warm-up leaves 30 steps of the training
        "cosine_decay: {initial_learning_rate: 0.1, warmup_target: 0.5, warmup_steps: 1, "
        "unit: epochs}",
        {0: 0.1, 9: 0.46, 10: 0.5, 25: 0.25, 39: 0.25 * (1 + cos(pi * 29 / 30))},
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.1, warmup_target: 0.5}",
        {0: 0.5, 20: 0.25, 39: 0.25 * (1 + cos(pi * 39 / 40))},
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.1, warmup_target: 0.5, warmup_steps: 100}",
        {0: 0.1, 25: 0.2, 39: 0.4 * 39 / 100 + 0.1},
    ),
    (  # waves of 8 and 16 steps, and the first half of one of 32
        "cosine_decay_restarts: {initial_learning_rate: 0.5, first_decay_steps: 8, m_mul: 0.5, "
        "alpha: 0.2}",
        {
            0: 0.5,
            4: 0.5 * (0.8 / 2 + 0.2),
            8: 0.5 * (0.8 / 2 + 0.2),
            16: 0.5 * (0.8 / 4 + 0.2),
            24: 0.5 * (0.8 / 4 + 0.2),
            32: 0.5 * (0.8 / 8 * (1 + sqrt(0.5)) + 0.2),
        },
    ),
    (  # waves of 4, 12 and 36 steps
        "cosine_decay_restarts: {initial_learning_rate: 0.5, first_decay_steps: 4, t_mul: 3}",
        {0: 0.5, 2: 0.25, 6: 0.25 * (1 + sqrt(0.75)), 10: 0.25, 34: 0.25},
    ),
    (
        "cosine_decay_restarts: {initial_learning_rate: 0.5, first_decay_steps: 1, unit: epochs, "
        "t_mul: 1, m_mul: 0.5}",
        {0: 0.5, 5: 0.25, 10: 0.25, 15: 0.125, 20: 0.125, 30: 0.0625, 35: 0.03125},
    ),
    (
        "piecewise_constant_decay: {boundaries: [10, 20], values: [0.5, 0.25, 0.125]}",
        {0: 0.5, 10: 0.5, 11: 0.25, 20: 0.25, 21: 0.125, 39: 0.125},
    ),
    (
        "piecewise_constant_decay: {boundaries: [0, 3], values: [0.5, 0.25, 0.125], unit: epochs}",
        {0: 0.5, 1: 0.25, 30: 0.25, 31: 0.125},
    ),
    (  # rises for 0.5 x 40 - 1 = 19 steps, and falls for 20
        "one_cycle: {max_learning_rate: 0.5, pct_start: 0.5, div_factor: 5, final_div_factor: 10}",
        {0: 0.1, 19: 0.5, 24: 0.01 + 0.49 / 2 * (1 + sqrt(0.5)), 29: 0.255, 39: 0.01},
    ),
    (
        "one_cycle: {max_learning_rate: 0.5, pct_start: 0.25, div_factor: 5, final_div_factor: 10, "
        "anneal_strategy: linear, three_phase: true}",
        {0: 0.1, 3: 0.1 + 0.4 / 3, 9: 0.5, 12: 0.1 + 0.8 / 3, 18: 0.1, 25: 0.07, 39: 0.01},
    ),
    (  # a rise that is over at the first step
        "one_cycle: {max_learning_rate: 0.5, total_steps: 10, pct_start: 0.1, div_factor: 5, "
        "final_div_factor: 10, anneal_strategy: linear}",
        {0: 0.5, 3: 0.5 - 0.49 / 3, 9: 0.01, 10: 0.01, 39: 0.01},
    ),
]


def test_every_schedule_has_a_rate() -> None:
    assert {text.partition(":")[0] for text, _ in STEPS} == {
        schedule.tag for schedule in get_args(StepSchedule)
    }


@pytest.mark.parametrize(("text", "expected"), STEPS, ids=lambda value: str(value)[:40])
def test_the_rate_of_a_step_follows_the_formula(text: str, expected: dict[int, float]) -> None:
    step_rates = rates(read_rate(text))

    assert {step: step_rates[step] for step in expected} == pytest.approx(
        expected, rel=2e-6, abs=1e-8
    )


def test_a_number_is_the_rate_of_every_step() -> None:
    assert rates(0.25) == 40 * [0.25]


def test_an_epoch_continues_the_schedule() -> None:
    schedule = read_rate(
        "polynomial_decay: {initial_learning_rate: 40, end_learning_rate: 0, power: 1}"
    )

    assert epoch_rates(schedule, 3, SPAN, []).tolist() == pytest.approx([*range(20, 10, -1)])


# Every number is reported by an epoch, every rate is used by the epoch after it.
PLATEAUS: list[tuple[str, list[float], list[float]]] = [
    # 0.99993 is no improvement of more than 1e-4, 0.9998 is.
    ("patience: 1", [1, 0.99993, 0.9998], [1, 0.5, 0.5]),
    ("patience: 2", [1, 1, 1, 1, 1], [1, 1, 0.5, 0.5, 0.25]),
    ("patience: 2", [1, 1, 0.5, 1, 1], [1, 1, 1, 1, 0.5]),
    ("patience: 0", [1, 1, 1], [1, 0.5, 0.25]),
    ("patience: 1, min_delta: 0.25", [1, 0.75, 0.5], [1, 0.5, 0.5]),
    ("patience: 1, min_lr: 0.4", [1, 1, 1, 1], [1, 0.5, 0.4, 0.4]),
    # After a reduction `cooldown` epochs do not count, but the last of them counts again.
    ("patience: 1, cooldown: 2", [1, 1, 1, 1, 1, 1], [1, 0.5, 0.5, 0.25, 0.25, 0.125]),
    ("patience: 2, cooldown: 1", [1, 1, 1, 1, 1, 1], [1, 1, 0.5, 0.5, 0.25, 0.25]),
    ("patience: 1, mode: max", [1, 2, 2, 1], [1, 1, 0.5, 0.25]),
    ("patience: 1, mode: max, min_delta: 0.5", [1, 1.3, 1.6], [1, 0.5, 0.5]),
]


@pytest.mark.parametrize(("fields", "reported", "expected"), PLATEAUS)
def test_a_plateau_multiplies_the_rate(
    fields: str, reported: list[float], expected: list[float]
) -> None:
    schedule = read_rate(f"reduce_on_plateau: {{initial_learning_rate: 1, factor: 0.5, {fields}}}")
    history = [{"val_loss": value} for value in reported]

    actual_rates = [
        epoch_rates(schedule, epoch + 1, Span(9, 2), history[:epoch]).tolist()
        for epoch in range(1, len(history) + 1)
    ]

    assert np.array(actual_rates) == pytest.approx(np.array([expected, expected]).T, rel=1e-6)


@pytest.mark.parametrize(
    ("figure", "mode", "expected"),
    [
        ("val_loss", "auto", True),
        ("mean_absolute_error", "auto", True),
        ("val_accuracy", "auto", False),
        ("auc", "auto", False),
        ("auc", "min", True),
        ("val_loss", "max", False),
    ],
)
def test_less_is_better_of_losses_and_errors(figure: str, mode: Any, expected: bool) -> None:
    schedule = ReduceOnPlateau(initial_learning_rate=1, monitor=figure, mode=mode)

    assert schedule.smaller_is_better is expected


@pytest.mark.parametrize(
    ("schedule", "first", "whole", "counts_epochs"),
    [
        (CosineDecay(initial_learning_rate=2), 2, True, True),
        (CosineDecay(initial_learning_rate=2, decay_steps=3), 2, False, False),
        (CosineDecay(initial_learning_rate=2, decay_steps=3, unit="epochs"), 2, False, True),
        (ExponentialDecay(initial_learning_rate=2, decay_rate=3), 2, True, True),
        (PiecewiseConstantDecay(boundaries=(3,), values=(2, 1)), 2, False, False),
        (OneCycle(max_learning_rate=50), 2, True, True),
        (OneCycle(max_learning_rate=50, total_steps=3), 2, False, False),
    ],
    ids=str,
)
def test_a_schedule_knows_its_first_rate_and_span(
    schedule: StepSchedule, first: float, whole: bool, counts_epochs: bool
) -> None:
    assert schedule.first == first
    assert spans_training(schedule) is schedule.whole is whole
    assert schedule.counts_epochs is counts_epochs


def test_numbers_and_plateaus_do_not_span_training() -> None:
    assert not spans_training(0.1)
    assert not spans_training(ReduceOnPlateau(initial_learning_rate=1))
