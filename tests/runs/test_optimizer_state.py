"""The state of an optimizer in a checkpoint is compared with a fresh one before it is restored."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import abacus
import hostile_checkpoints
from frameworks import require
from netspec.runs.remembered import restore
from netspec.runs.training import train
from netspec.text.diagnostics import RunError

FRESH: dict[str, NDArray[Any]] = {
    "steps": np.array(0),
    "interval": np.array(2000),
    "kernel/mean": np.zeros((2, 3), np.float32),
    "kernel/squares": np.zeros((2, 3), np.float32),
}
STEPS = 12
GOOD: dict[str, NDArray[Any]] = {
    "steps": np.array(12),
    "interval": np.array(2000),
    "kernel/mean": np.full((2, 3), -1, np.float32),
    "kernel/squares": np.ones((2, 3), np.float32),
}


class Remembering:
    """What `restore` needs of a trainer."""

    never_negative = frozenset({"kernel/squares"})
    restored: dict[str, NDArray[Any]] | None = None

    def optimizer_state(self) -> dict[str, NDArray[Any]]:
        return FRESH

    def restore(self, optimizer_state: dict[str, NDArray[Any]]) -> None:
        self.restored = optimizer_state


def test_a_state_that_fits_is_restored() -> None:
    trainer: Any = Remembering()

    restore(trainer, GOOD, STEPS, "run")

    assert trainer.restored == GOOD


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"kernel/mean": None}, "there is no kernel/mean"),
        ({"bias/mean": np.zeros(3, np.float32)}, "bias/mean is unknown"),
        ({"kernel/mean": np.zeros(6, np.float32)}, "is float32 (6,), not float32 (2, 3)"),
        ({"kernel/mean": np.zeros((2, 3))}, "is float64 (2, 3), not float32 (2, 3)"),
        ({"steps": np.array([12])}, "steps is int64 (1,), not int64 ()"),
        ({"kernel/mean": np.full((2, 3), np.nan, np.float32)}, "values that are not finite"),
        ({"kernel/squares": -GOOD["kernel/squares"]}, "kernel/squares has negative values"),
        ({"steps": np.array(-1)}, "steps counts -1, and 12 steps were taken"),
        ({"steps": np.array(13)}, "steps counts 13, and 12 steps were taken"),
    ],
)
def test_a_state_that_does_not_fit_is_refused(
    changes: dict[str, NDArray[Any] | None], fault: str
) -> None:
    trainer: Any = Remembering()
    state = {key: value for key, value in {**GOOD, **changes}.items() if value is not None}

    with pytest.raises(RunError) as raised:
        restore(trainer, state, STEPS, "run")

    assert raised.value.message.startswith("run: in the state of the optimizer ")
    assert fault in raised.value.message
    assert trainer.restored is None


def test_a_run_without_its_optimizers_state_is_not_resumed(on_abacus, tmp_path) -> None:
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    run.save(replace(run.checkpoint(), optimizer={}))

    with pytest.raises(RunError, match="in the state of the optimizer there is no velocity"):
        longer = abacus.network(tmp_path, {"epochs: 3": "epochs: 5"})
        train(longer, "abacus", runs=tmp_path / "runs", resume=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda history: [],
        lambda history: [{}],
        lambda history: history[1:],
        lambda history: history[::-1],
        lambda history: [history[0], *history],
        lambda history: [{"epoch": 1}, *history[1:]],
        lambda history: [*history[:-1], {}],
        lambda history: [{**history[0], "val_loss": 1.0}, *history[1:]],
    ],
)
def test_records_that_no_training_wrote_are_refused(on_abacus, tmp_path, change) -> None:
    plateau = "reduce_on_plateau: {initial_learning_rate: 0.05, monitor: loss}"
    rate = {"learning_rate: 0.05": f"learning_rate: {{{plateau}}}"}
    run = train(abacus.network(tmp_path, rate), "abacus", runs=tmp_path / "runs")
    state = run.checkpoint()
    run.save(replace(state, history=change(state.history)))

    with pytest.raises(RunError):
        longer = abacus.network(tmp_path, {**rate, "epochs: 3": "epochs: 5"})
        train(longer, "abacus", runs=tmp_path / "runs", resume=True)


@pytest.mark.parametrize(("name", "shape"), [("inputs", (2, 3)), ("outputs", (2, 4))])
def test_predictions_of_another_shape_are_refused(on_abacus, tmp_path, name, shape) -> None:
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    state = run.checkpoint()
    other = {name: (np.zeros(shape, np.float32),)}
    run.save(replace(state, reference=replace(state.reference, **other)))

    with pytest.raises(RunError, match=r"checkpoint\.safetensors is damaged"):
        run.checkpoint()
    with pytest.raises(RunError, match=r"reference\.safetensors is damaged"):
        run.reference()


def test_weights_that_are_not_finite_end_a_training(monkeypatch, on_abacus, tmp_path) -> None:
    weights = abacus.AbacusTrainer.weights

    def diverged(trainer: abacus.AbacusTrainer) -> dict[str, NDArray[np.float32]]:
        return {key: value + np.float32(np.inf) for key, value in weights(trainer).items()}

    monkeypatch.setattr(abacus.AbacusTrainer, "weights", diverged)

    with pytest.raises(RunError, match="the weights are no longer finite in epoch 1"):
        train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")


@pytest.mark.parametrize("backend", ["torch", pytest.param("keras", marks=pytest.mark.nightly)])
def test_changed_checkpoints_are_refused_in_words(backend) -> None:
    """In a separate process: PyTorch's Adam writes beyond the end of a state that is too small."""
    require(backend)
    folder = Path(hostile_checkpoints.__file__).parent
    command = [sys.executable, hostile_checkpoints.__file__, backend, "--count", "20"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}

    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)

    assert process.returncode == 0, process.stderr
    assert "refused: " in process.stdout
    assert "too small: 12" in process.stdout  # two means of six weights
