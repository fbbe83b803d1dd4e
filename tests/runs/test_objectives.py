"""Runs of networks with several inputs and outputs, other losses, weights, and early stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import abacus
from frameworks import TRAINING, require
from netspec.api import export
from netspec.data import load
from netspec.network import Network, loads
from netspec.runs.evaluation import Evaluation, evaluate_run
from netspec.runs.folder import Run
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import BackendError

TWO = """\
netspec: 1
name: two
input: {left: [6], right: [4, 2]}
layers:
  - Dense: {name: hidden, inputs: left, units: 8, activation: tanh}
  - Dense: {name: kind, inputs: hidden, units: 3, activation: softmax}
  - Dense: {name: steps, inputs: right, units: 1, activation: sigmoid}
output: [kind, steps]
data: {dataset: npz, path: two.npz}
train:
  loss: {kind: sparse_categorical_crossentropy, steps: binary_crossentropy}
  loss_weights: {steps: 0.5}
  metrics: {kind: [accuracy, confusion_matrix], steps: [accuracy, auc]}
  optimizer: {adam: {learning_rate: 0.05}}
  epochs: 3
  batch_size: 16
  validation_split: 0.2
"""


def arrays(count: int = 100, seed: int = 0) -> dict[str, NDArray[Any]]:
    """Inputs whose outputs can be learned: the largest of three, and the sign of each step."""
    random = np.random.default_rng(seed)
    left = random.normal(0, 1, (count, 6)).astype(np.float32)
    right = random.normal(0, 1, (count, 4, 2)).astype(np.float32)
    parts = {"train": slice(20, None), "test": slice(20)}
    kinds, steps = left[:, :3].argmax(-1), (right[..., :1] > 0).astype(np.uint8)
    named = {"x_left": left, "x_right": right, "y_kind": kinds, "y_steps": steps}
    return {
        f"{name[:2]}{part}{name[1:]}": values[chosen]
        for name, values in named.items()
        for part, chosen in parts.items()
    }


def two(folder: Path, changes: dict[str, str] | None = None, **values: Any) -> Network:
    np.savez(folder / "two.npz", **(arrays() | values))
    text = TWO
    for old, new in (changes or {}).items():
        assert old in text
        text = text.replace(old, new)
    return loads(text, folder)


@pytest.fixture(scope="module", params=TRAINING)
def trained(request, tmp_path_factory) -> Run:
    require(request.param)
    folder = tmp_path_factory.mktemp("two")
    return train(two(folder), request.param, device="cpu", runs=folder / "runs")


NAMES = ("loss", "kind_loss", "steps_loss", "kind_accuracy", "steps_accuracy", "steps_auc")


def test_a_run_of_two_outputs_reports_the_figures_of_each(trained):
    first, *_, test = trained.history
    about = {"epoch", "seconds", "images_per_second"}
    assert first.keys() == {*NAMES, *(f"val_{name}" for name in NAMES)} | about
    tested = {f"test_{name}" for name in NAMES}
    assert test.keys() == {"epoch", "test_kind_confusion_matrix"} | tested


def test_a_run_of_two_outputs_learns_both(trained):
    first, *_, last, test = trained.history
    assert last["kind_loss"] < 0.9 * first["kind_loss"]
    assert last["steps_loss"] < 0.9 * first["steps_loss"]
    assert np.sum(test["test_kind_confusion_matrix"]) == 20


def test_the_loss_is_the_weighted_sum_of_the_outputs(trained):
    for record in trained.history[:-1]:
        for prefix in ("", "val_"):
            parts = record[f"{prefix}kind_loss"] + 0.5 * record[f"{prefix}steps_loss"]
            assert record[f"{prefix}loss"] == pytest.approx(parts, rel=1e-6)


def test_a_run_of_two_outputs_evaluates_alike_on_onnx(trained):
    require("onnx")
    evaluation = evaluate_run(trained, "onnx", "cpu")
    *_, test = trained.history
    assert evaluation.images == 20
    for name, value in evaluation.figures.items():
        assert value == (test[name] if isinstance(value, list) else pytest.approx(test[name], 1e-4))


def test_a_run_of_two_inputs_is_exported(trained, tmp_path):
    require("onnx")
    exported = export(trained, tmp_path / "two.onnx")
    assert exported.difference <= 1e-5
    assert exported.batches == (1, 2, 7)


def test_a_run_of_two_outputs_that_was_broken_ends_as_the_unbroken_one(trained, tmp_path):
    short = two(tmp_path, {"epochs: 3": "epochs: 2"})
    train(short, trained.backend, device="cpu", runs=tmp_path)
    resumed = train(two(tmp_path), trained.backend, device="cpu", runs=tmp_path, resume=True)
    assert bytes_of(resumed) == bytes_of(trained)


@pytest.mark.parametrize("backend", TRAINING)
def test_an_autoencoder_learns_its_input(backend, tmp_path):
    require(backend)
    network = loads(AUTOENCODER, tmp_path)
    run = train(network, backend, device="cpu", runs=tmp_path / "runs")
    first, *_, last, test = run.history
    assert last["loss"] < 0.9 * first["loss"]
    assert test.keys() == {"epoch", "test_loss"}


AUTOENCODER = """\
netspec: 1
name: autoencoder
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, padding: same, activation: relu}
  - Conv2D: {filters: 1, kernel_size: 3, padding: same, activation: sigmoid}
data: {dataset: digits, scale: 16, target: input}
train: {loss: binary_crossentropy, optimizer: {adam: {learning_rate: 0.01}}, epochs: 3}
"""


def bytes_of(run: Run) -> bytes:
    return (run.path / "weights.safetensors").read_bytes()


TABLE = """\
test_loss      0.5000
test_accuracy  0.8947

test_confusion_matrix: a row for every class, a column for every answer
       cat  horse
cat     10      2
horse    0      7"""


def test_the_figures_of_a_test_are_a_table():
    matrix = [[10, 2], [0, 7]]
    figures = {"test_loss": 0.5, "test_accuracy": 17 / 19, "test_confusion_matrix": matrix}
    evaluation = Evaluation(figures, 19, 0.1, "images", "torch", "cpu", ("cat", "horse"))
    assert evaluation.table() == TABLE


# Metrics of training.


def test_the_metrics_of_an_epoch_are_those_of_the_outputs_that_training_saw(on_abacus, tmp_path):
    metrics = {"  epochs: 3": "  metrics: [accuracy, f1_score]\n  epochs: 1"}
    run = train(abacus.network(tmp_path, metrics), "abacus", runs=tmp_path / "runs")
    first, _ = run.history
    alone = abacus.network(tmp_path, {"epochs: 3": "epochs: 1"})
    counted = train(alone, "abacus", runs=tmp_path / "others").history[0]
    assert first["accuracy"] == counted["accuracy"]
    assert first["f1_score"] == pytest.approx(first["accuracy"], abs=0.1)


def test_a_backend_that_gives_no_outputs_is_told_of_where_a_metric_needs_them(
    monkeypatch, tmp_path
):
    abacus.install(monkeypatch, Silenced())
    network = abacus.network(tmp_path, {"  epochs: 3": "  metrics: [auc]\n  epochs: 1"})
    with pytest.raises(BackendError, match="returns no outputs of its steps"):
        train(network, "abacus", runs=tmp_path / "runs")


class Silenced(abacus.Abacus):
    """An abacus that keeps its outputs to itself."""

    def trainer(self, *arguments):
        trainer = super().trainer(*arguments)
        trainer._gives_logits = False
        return trainer


# Early stopping. No epoch is better than the first by 10, so that training stops at the second.


def stopping(options: str = "", epochs: int = 4) -> dict[str, str]:
    watched = f"early_stopping: {{monitor: loss, min_delta: 10{options}}}"
    return {"  epochs: 3": f"  {watched}\n  epochs: {epochs}"}


def test_training_stops_once_it_is_no_better(on_abacus, tmp_path):
    run = train(abacus.network(tmp_path, stopping()), "abacus", runs=tmp_path / "runs")
    assert [record["epoch"] for record in run.history] == [1, 2, 2]


def test_the_weights_of_the_best_epoch_are_the_run(on_abacus, tmp_path):
    network = abacus.network(tmp_path, stopping(", restore_best_weights: true"))
    run = train(network, "abacus", runs=tmp_path / "runs")
    first = train(abacus.network(tmp_path, {"epochs: 3": "epochs: 1"}), "abacus", runs=tmp_path)
    assert run.history[-1] == {"epoch": 1, **first.history[-1]}
    assert bytes_of(run) == bytes_of(first)
    np.testing.assert_array_equal(run.reference().outputs, first.reference().outputs)


def test_a_run_that_stopped_early_is_complete(on_abacus, tmp_path):
    train(abacus.network(tmp_path, stopping()), "abacus", runs=tmp_path / "runs")
    more = abacus.network(tmp_path, stopping(epochs=9))
    run = train(more, "abacus", runs=tmp_path / "runs", resume=True)
    assert [record["epoch"] for record in run.history] == [1, 2, 2]


def test_a_resumed_run_goes_on_from_its_last_weights_and_ends_with_the_best(on_abacus, tmp_path):
    options = ", patience: null, restore_best_weights: true"
    whole = train(abacus.network(tmp_path, stopping(options)), "abacus", runs=tmp_path / "whole")
    short = abacus.network(tmp_path, stopping(options, epochs=2))
    train(short, "abacus", runs=tmp_path / "runs")
    more = abacus.network(tmp_path, stopping(options))
    run = train(more, "abacus", runs=tmp_path / "runs", resume=True)
    assert bytes_of(run) == bytes_of(whole)
    last, expected = run.checkpoint().weights, whole.checkpoint().weights
    assert all(np.array_equal(last[key], expected[key]) for key in expected)
    assert not np.array_equal(last["dense.kernel"], run.weights()["dense.kernel"])


# Weights of examples.


@pytest.mark.parametrize("backend", TRAINING)
def test_examples_without_weight_teach_nothing(backend, tmp_path):
    require(backend)
    weights = np.ones(40, np.float32)
    weights[20:] = 0
    there = abacus.arrays()["y_train"].copy()
    there[20:] = 2 - there[20:]
    runs = [
        train(abacus.network(tmp_path, w_train=weights, **labels), backend, runs=tmp_path)
        for labels in ({}, {"y_train": there})
    ]
    assert bytes_of(runs[0]) == bytes_of(runs[1])


def test_the_weights_of_the_test_count_in_its_loss(on_abacus, tmp_path):
    weights = np.linspace(0, 2, 20).astype(np.float32)
    network = abacus.network(tmp_path, w_test=weights)
    run = train(network, "abacus", runs=tmp_path / "runs")
    test = load(network).test
    outputs = abacus.AbacusPredictor(run.weights()).predict(*test.values())
    losses = -np.log(outputs[np.arange(20), test.targets[0]].astype(np.float64))
    assert run.history[-1]["test_loss"] == pytest.approx((losses * weights).mean(), rel=1e-6)


# Penalties.


def test_what_the_regularizers_say_counts_in_the_loss_of_a_test(on_abacus, tmp_path):
    # The abacus trains alike with and without it.
    plain = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "plain")
    l1_l2 = "activation: softmax, kernel_regularizer: {l1_l2: {l1: 0.5, l2: 0.25}}"
    penal = abacus.network(tmp_path, {"activation: softmax": l1_l2})
    run = train(penal, "abacus", runs=tmp_path / "runs")
    kernel = run.weights()["dense.kernel"].astype(np.float64)
    penalty = 0.5 * np.abs(kernel).sum() + 0.25 * (kernel**2).sum()
    expected = plain.history[-1]["test_loss"] + penalty
    assert run.history[-1]["test_loss"] == pytest.approx(expected, rel=1e-12)


# Reports between the steps.


@pytest.mark.parametrize("backend", TRAINING)
def test_the_metrics_are_the_same_however_often_a_backend_reports(backend, tmp_path, monkeypatch):
    require(backend)
    changes = {"  epochs: 3": "  metrics: [accuracy, auc]\n  epochs: 1"}
    seldom = train(abacus.network(tmp_path, changes), backend, device="cpu", runs=tmp_path / "a")
    monkeypatch.setattr("netspec.backend.contract.OUTPUT_BYTES", 2 * 7 * 3 * 4)  # two steps
    progress = Told()
    network = abacus.network(tmp_path, changes)
    often = train(network, backend, device="cpu", runs=tmp_path / "b", progress=progress)
    # Keras takes the last batch, which is short, by itself.
    assert progress.images == ([14, 28, 35, 40] if backend == "keras" else [14, 28, 40])
    for name in ("loss", "accuracy", "auc"):
        assert often.history[0][name] == seldom.history[0][name]


class Told(Silent):
    """Writes down how many images were seen at every report."""

    def __init__(self) -> None:
        self.images: list[int] = []

    def advances(self, images, so_far):
        self.images.append(images)


SEQUENCES = """\
netspec: 1
name: sequences
input: [5, 3]
layers:
  - Dense: {units: 6, activation: tanh}
  - Dense: {units: 4, activation: softmax}
data: {dataset: npz, path: sequences.npz}
train:
  loss: sparse_categorical_crossentropy
  metrics: [accuracy]
  optimizer: {adam: {learning_rate: 0.02}}
  epochs: 2
  batch_size: 16
"""


@pytest.mark.parametrize("backend", TRAINING)
def test_the_accuracy_of_sequences_counts_every_step(backend, tmp_path):
    require(backend)
    random = np.random.default_rng(0)
    x = random.normal(0, 1, (70, 5, 3)).astype(np.float32)
    y = (x > 0) @ np.array([1, 1, 1])
    np.savez(tmp_path / "sequences.npz", x_train=x, y_train=y, x_test=x[:9], y_test=y[:9])
    lists = ("[accuracy]", "[accuracy, confusion_matrix]", "[accuracy, auc]")
    runs = [
        train(
            loads(SEQUENCES.replace("[accuracy]", metrics), tmp_path), backend, runs=tmp_path / "r"
        )
        for metrics in lists
    ]
    first, *others = [run.history for run in runs]
    assert [record["accuracy"] for record in first[:-1]] == pytest.approx(
        [record["accuracy"] for record in others[1][:-1]], rel=1e-12
    )
    assert np.sum(others[0][-1]["test_confusion_matrix"]) == 9 * 5
    assert first[-1]["test_accuracy"] == pytest.approx(
        np.trace(others[0][-1]["test_confusion_matrix"]) / 45, rel=1e-12
    )
