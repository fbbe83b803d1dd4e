"""The threads of a training: chosen once, kept by the run, used again when it is resumed."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest

import abacus
from frameworks import require
from netspec.backend import find_training
from netspec.runs import training
from netspec.runs.folder import Run
from netspec.runs.training import Silent, train


class Counting(abacus.Abacus):
    """A backend that keeps the number of threads of every training, and may change it."""

    work_per_thread = 10.0

    def __init__(self, used: int | None = None) -> None:
        self.requested: list[int | None] = []
        self._used = used

    def trainer(self, *arguments: Any) -> abacus.AbacusTrainer:
        *others, threads = arguments
        self.requested.append(threads)
        trainer = super().trainer(*others)
        trainer.threads = self._used or threads
        return trainer


class Remarking(Silent):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def remarks(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture(autouse=True)
def _cores(monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(training, "free_cores", lambda: 6)


def trained(monkeypatch, tmp_path, backend: Counting, epochs: int = 1, **options: Any) -> Run:
    abacus.install(monkeypatch, backend)
    network = abacus.network(tmp_path, {"epochs: 3": f"epochs: {epochs}"})
    return train(network, "abacus", runs=tmp_path / "runs", **options)


def test_a_run_keeps_its_number_of_threads(monkeypatch, tmp_path):
    run = trained(monkeypatch, tmp_path, Counting())
    assert run.about.threads == 6


def test_threads_follow_from_the_work_of_a_step(monkeypatch, tmp_path):
    network = abacus.network(tmp_path)
    work = network.spec.train.batch_size * network.graph.multiply_adds
    for per_thread, sleep, free, expected in (
        (work, False, 6, 1),
        (work / 2.5, False, 6, 3),
        (work / 2.5, False, 0, 1),
        (work / 2.5, True, 0, 4),
    ):
        monkeypatch.setattr(training, "free_cores", lambda free=free: free)
        monkeypatch.setattr(training, "allowed_cores", lambda: 4)
        backend = Counting()
        backend.work_per_thread, backend.threads_sleep = per_thread, sleep
        abacus.install(monkeypatch, backend)
        assert training.training_threads(network, find_training("abacus")) == expected


def test_a_resumed_run_uses_its_number_again(monkeypatch, tmp_path):
    trained(monkeypatch, tmp_path, Counting())
    monkeypatch.setattr(training, "free_cores", lambda: 1)
    backend, progress = Counting(), Remarking()
    run = trained(monkeypatch, tmp_path, backend, 2, resume=True, progress=progress)
    assert backend.requested == [6]
    assert run.about.threads == 6
    assert progress.texts == []


def test_another_number_of_threads_is_reported(monkeypatch, tmp_path):
    trained(monkeypatch, tmp_path, Counting())
    progress = Remarking()
    trained(monkeypatch, tmp_path, Counting(used=2), 2, resume=True, progress=progress)
    assert progress.texts == ["Resumed with 2 threads, begun with 6: sums round differently"]


def test_the_user_sets_the_threads(monkeypatch, tmp_path):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert trained(monkeypatch, tmp_path, Counting()).about.threads == 3


KERAS = """\
import sys
import numpy as np
from netspec.backend import find_training
from netspec.data import Examples
from netspec.network import loads
from netspec.numerics.initial import initial

network = loads('''
netspec: 1
name: net
input: [4]
layers: [{Dense: {units: 3, activation: softmax}}]
data: {dataset: npz, path: data.npz}
train: {loss: sparse_categorical_crossentropy}
''')
examples = Examples((np.zeros((4, 4), np.float32),), (np.zeros(4, np.int32),))
for requested in (3, 2):
    weights = initial(network.graph, 0)
    trainer = find_training("keras").trainer(network, weights, examples, "cpu", requested)
    if requested == 3:  # after a computation TensorFlow keeps its threads
        list(trainer.epoch(np.arange(4), 2, np.full(2, 0.1, np.float32), 0))
    print(trainer.threads)
"""


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        pytest.param(None, ["3", "3"], id="netspec"),
        pytest.param("1", ["1", "1"], id="user", marks=pytest.mark.nightly),
    ],
)
def test_tensorflow_takes_the_first_number_of_threads(monkeypatch, tmp_path, setting, expected):
    """The trainer gets 3 threads and then 2; the user's number is set at the import."""
    require("keras")
    script = KERAS
    if setting is not None:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
        script = script.replace("(3, 2)", "(1, 1)").replace("== 3", "== 1")
    command = [sys.executable, "-c", script]
    process = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (process.returncode, process.stdout.split()) == (0, expected), process.stderr
