"""The learning rate of every step is the rate of Keras's schedule, of PyTorch's or of Keras's callback."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest

from frameworks import TRAINING, require
from keras_oracle import keras
from netspec.backend import execute, find_training
from netspec.language.training.schedules import LearningRate, ReduceOnPlateau, Schedule
from netspec.network import Network, loads
from netspec.numerics.rates import Rates, Span, epoch_rates

EPOCHS, STEPS = 6, 25


def network(learning_rate: str) -> Network:
    """A network that is trained with the learning rate that a spec writes like this."""
    layers = "[Dense: {units: 2, activation: softmax}]"
    train = (
        f"{{loss: sparse_categorical_crossentropy, optimizer: {{sgd: {{learning_rate: "
        f"{{{learning_rate}}}}}}}, validation_split: 0.1, epochs: {EPOCHS}}}"
    )
    return loads(f"netspec: 1\nname: a\ninput: [2]\nlayers: {layers}\ntrain: {train}\n")


def written(text: str) -> LearningRate:
    """The learning rate of such a network."""
    train = network(text).spec.train
    assert train is not None
    return train.optimizer.learning_rate


def rates(learning_rate: LearningRate, epochs: int = EPOCHS, steps: int = STEPS) -> Rates:
    """The rates of the whole training."""
    span = Span(epochs, steps)
    parts = [epoch_rates(learning_rate, epoch, span, []) for epoch in range(1, epochs + 1)]
    return np.concatenate(parts)


# How a spec writes each schedule, and the arguments of Keras's.
SCHEDULES = [
    (
        "exponential_decay: {initial_learning_rate: 0.1, decay_steps: 40, decay_rate: 0.7}",
        ("ExponentialDecay", {"decay_steps": 40, "decay_rate": 0.7}),
    ),
    (
        "exponential_decay: {initial_learning_rate: 0.1, decay_steps: 40, decay_rate: 0.7, "
        "staircase: true}",
        ("ExponentialDecay", {"decay_steps": 40, "decay_rate": 0.7, "staircase": True}),
    ),
    (
        "exponential_decay: {initial_learning_rate: 0.1, decay_steps: 2, decay_rate: 0.7, "
        "unit: epochs}",
        ("ExponentialDecay", {"decay_steps": 50, "decay_rate": 0.7}),
    ),
    (
        "inverse_time_decay: {initial_learning_rate: 0.1, decay_steps: 30, decay_rate: 2}",
        ("InverseTimeDecay", {"decay_steps": 30, "decay_rate": 2.0}),
    ),
    (
        "inverse_time_decay: {initial_learning_rate: 0.1, decay_rate: 2, staircase: true}",
        ("InverseTimeDecay", {"decay_steps": 150, "decay_rate": 2.0, "staircase": True}),
    ),
    (
        "polynomial_decay: {initial_learning_rate: 0.1}",
        ("PolynomialDecay", {"decay_steps": 150}),
    ),
    (
        "polynomial_decay: {initial_learning_rate: 0.1, decay_steps: 40, end_learning_rate: 0.01, "
        "power: 2}",
        ("PolynomialDecay", {"decay_steps": 40, "end_learning_rate": 0.01, "power": 2.0}),
    ),
    (
        "polynomial_decay: {initial_learning_rate: 0.1, decay_steps: 40, power: 0.5, cycle: true}",
        ("PolynomialDecay", {"decay_steps": 40, "power": 0.5, "cycle": True}),
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.1}",
        ("CosineDecay", {"decay_steps": 150}),
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.1, decay_steps: 3, alpha: 0.2, unit: epochs}",
        ("CosineDecay", {"decay_steps": 75, "alpha": 0.2}),
    ),
    (
        "cosine_decay: {initial_learning_rate: 0.01, decay_steps: 70, warmup_target: 0.1, "
        "warmup_steps: 30, alpha: 0.1}",
        (
            "CosineDecay",
            {
                "initial_learning_rate": 0.01,
                "decay_steps": 70,
                "warmup_target": 0.1,
                "warmup_steps": 30,
                "alpha": 0.1,
            },
        ),
    ),
    (
        "cosine_decay: {initial_learning_rate: 0, warmup_target: 0.1, warmup_steps: 1, "
        "unit: epochs}",
        (
            "CosineDecay",
            {
                "initial_learning_rate": 0.0,
                "decay_steps": 125,  # what the warm-up leaves of the training
                "warmup_target": 0.1,
                "warmup_steps": 25,
            },
        ),
    ),
    (
        "cosine_decay_restarts: {initial_learning_rate: 0.1, first_decay_steps: 20}",
        ("CosineDecayRestarts", {"first_decay_steps": 20}),
    ),
    (
        "cosine_decay_restarts: {initial_learning_rate: 0.1, first_decay_steps: 1, unit: epochs, "
        "t_mul: 1, m_mul: 0.5, alpha: 0.1}",
        (
            "CosineDecayRestarts",
            {"first_decay_steps": 25, "t_mul": 1.0, "m_mul": 0.5, "alpha": 0.1},
        ),
    ),
    (
        "piecewise_constant_decay: {boundaries: [10, 60], values: [0.1, 0.01, 0.001]}",
        ("PiecewiseConstantDecay", {"boundaries": [10, 60], "values": [0.1, 0.01, 0.001]}),
    ),
    (
        "piecewise_constant_decay: {boundaries: [2], values: [0.1, 0.01], unit: epochs}",
        ("PiecewiseConstantDecay", {"boundaries": [50], "values": [0.1, 0.01]}),
    ),
]


@pytest.mark.parametrize(("text", "theirs"), SCHEDULES)
def test_the_rate_of_every_step_is_that_of_keras_schedule(
    text: str, theirs: tuple[str, dict[str, Any]]
) -> None:
    name, arguments = theirs
    if name != "PiecewiseConstantDecay":
        arguments = {"initial_learning_rate": 0.1} | arguments
    schedule = getattr(keras.optimizers.schedules, name)(**arguments)
    expected = np.array([schedule(step) for step in range(EPOCHS * STEPS)])

    np.testing.assert_allclose(rates(written(text)), expected, 1e-6, 1e-8, strict=True)


def test_a_wave_that_begins_anew_begins_at_keras_step() -> None:
    text = "cosine_decay_restarts: {initial_learning_rate: 1, first_decay_steps: 10, t_mul: 1.5}"
    schedule = keras.optimizers.schedules.CosineDecayRestarts(1.0, 10, t_mul=1.5)
    expected = np.array([schedule(step) for step in range(EPOCHS * STEPS)])

    actual = rates(written(text))

    rises = np.flatnonzero(np.diff(actual) > 0)
    np.testing.assert_array_equal(rises, np.flatnonzero(np.diff(expected) > 0))
    assert len(rises) == 5


CYCLES = [
    ("max_learning_rate: 0.1", {}),
    (
        "max_learning_rate: 0.1, pct_start: 0.1, anneal_strategy: linear, div_factor: 5",
        {"pct_start": 0.1, "anneal_strategy": "linear", "div_factor": 5.0},
    ),
    (
        "max_learning_rate: 0.1, three_phase: true, final_div_factor: 100, pct_start: 0.4",
        {"three_phase": True, "final_div_factor": 100.0, "pct_start": 0.4},
    ),
]


@pytest.mark.parametrize(("text", "arguments"), CYCLES)
def test_the_rate_of_every_step_is_that_of_pytorchs_one_cycle(
    text: str, arguments: dict[str, Any]
) -> None:
    require("torch")
    import torch

    optimizer = torch.optim.SGD([torch.zeros(1)])
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=EPOCHS * STEPS, cycle_momentum=False, **arguments
    )
    expected: list[float] = []
    for _ in range(EPOCHS * STEPS):
        expected.append(theirs.get_last_lr()[0])
        optimizer.step()
        if len(expected) < EPOCHS * STEPS:
            theirs.step()

    np.testing.assert_allclose(rates(written(f"one_cycle: {{{text}}}")), expected, 1e-6)


# The modules are also used without netspec.

TEXTS = [*(text for text, _ in SCHEDULES), *(f"one_cycle: {{{text}}}" for text, _ in CYCLES)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("backend", TRAINING)
def test_a_module_alone_has_the_same_rates(backend: str, text: str) -> None:
    require(backend)
    tested = network(text)
    module = execute(find_training(backend).source(tested), "alone")
    schedule = written(text)
    assert isinstance(schedule, Schedule)
    arguments = [STEPS] if schedule.counts_epochs else []
    if backend == "keras":
        rate = module.build_schedule(*arguments)
        module.build_optimizer(rate)
    else:
        rate = partial(module.learning_rate, **({"steps_per_epoch": STEPS} if arguments else {}))
        module.build_optimizer(module.build_model())
    steps = np.arange(0, EPOCHS * STEPS, 7 if backend == "keras" else 1)

    actual = [float(rate(step)) for step in steps]

    np.testing.assert_allclose(actual, rates(schedule)[steps], 1e-5, 2e-8)


def test_after_the_cycle_the_rate_stays_the_last() -> None:
    actual = rates(written("one_cycle: {max_learning_rate: 0.1, total_steps: 100}"))

    np.testing.assert_allclose(actual[99:], 0.1 / 25 / 1e4, 1e-6)


LOSSES = [1.0, 0.9, 0.89995, 0.95, 0.96, 0.5, 0.5, 0.5, 0.5, 0.5, 0.5, 0.4999, 0.6, 0.6, 0.6, 0.6]

PLATEAUS = [
    ("patience: 2", {"patience": 2}),
    ("patience: 0, factor: 0.5", {"patience": 0, "factor": 0.5}),
    ("patience: 1, factor: 0.5, cooldown: 2", {"patience": 1, "factor": 0.5, "cooldown": 2}),
    ("patience: 3, min_delta: 0.2", {"patience": 3, "min_delta": 0.2}),
    ("patience: 1, factor: 0.3, min_lr: 0.02", {"patience": 1, "factor": 0.3, "min_lr": 0.02}),
    ("patience: 2, mode: max", {"patience": 2, "mode": "max"}),
    ("patience: 2, monitor: accuracy", {"patience": 2, "monitor": "accuracy", "mode": "max"}),
]


@pytest.mark.parametrize(("text", "arguments"), PLATEAUS)
def test_the_rate_of_every_epoch_is_that_of_keras_callback(
    text: str, arguments: dict[str, Any]
) -> None:
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1))
    callback = keras.callbacks.ReduceLROnPlateau(**arguments)
    callback.set_model(model)
    callback.on_train_begin()
    records = [{"val_loss": loss, "accuracy": 1 - loss} for loss in LOSSES]
    expected: list[float] = []
    for epoch, record in enumerate(records):
        expected.append(float(model.optimizer.learning_rate))
        callback.on_epoch_end(epoch, dict(record))
    schedule = written(f"reduce_on_plateau: {{initial_learning_rate: 0.1, {text}}}")

    actual = [
        epoch_rates(schedule, epoch, Span(20, 2), records[: epoch - 1])
        for epoch in range(1, len(records) + 1)
    ]

    np.testing.assert_allclose(actual, np.stack([expected, expected], 1), 1e-6)
    assert len({*expected}) > 1


@pytest.mark.parametrize("text", [text for text, _ in PLATEAUS])
def test_pytorchs_scheduler_in_a_module_lowers_the_rate_in_the_same_epochs(text: str) -> None:
    require("torch")
    plateau = f"reduce_on_plateau: {{initial_learning_rate: 0.1, {text}}}"
    module = execute(find_training("torch").source(network(plateau)), "alone")
    optimizer = module.build_optimizer(module.build_model())
    scheduler = module.build_scheduler(optimizer)
    schedule = written(plateau)
    assert isinstance(schedule, ReduceOnPlateau)
    records = [{"val_loss": loss, "accuracy": 1 - loss} for loss in LOSSES]
    actual: list[float] = []
    for record in records:
        scheduler.step(record[schedule.monitor])
        actual.append(optimizer.param_groups[0]["lr"])

    epochs = range(1, len(records) + 1)
    expected = [
        epoch_rates(schedule, epoch + 1, Span(20, 1), records[:epoch])[0] for epoch in epochs
    ]

    np.testing.assert_allclose(actual, expected, 1e-6)


def test_keras_callback_in_a_module_watches_what_the_spec_says() -> None:
    require("keras")
    text = "reduce_on_plateau: {initial_learning_rate: 0.1, monitor: accuracy, patience: 3}"
    module = execute(find_training("keras").source(network(text)), "alone")

    (callback,) = module.build_callbacks()

    shown = callback.monitor, callback.mode, callback.patience, callback.factor
    assert shown == ("accuracy", "max", 3, 0.1)
    assert float(module.build_optimizer().learning_rate) == pytest.approx(0.1)
