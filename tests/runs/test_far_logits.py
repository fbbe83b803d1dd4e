"""The loss of logits whose probability is 0 or 1 in float32, in every place that reports it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from frameworks import TRAINING, require
from netspec.api import evaluate, export
from netspec.network import Network, loads
from netspec.runs.folder import Run
from netspec.runs.training import train

# A step of 1e-30 moves no weight. The input is the logit, of which 20 is the first example.
SPEC = """\
netspec: 1
name: far
input: [3]
layers: [Dense: {units: 3, activation: ACTIVATION, kernel_initializer: {identity: {}}}]
data: {dataset: npz, path: far.npz}
train:
  loss: {LOSS: {label_smoothing: SMOOTHING}}
  metrics: [auc, recall]
  optimizer: {sgd: {learning_rate: 1e-30}}
  epochs: 1
  validation_split: 0.5
"""
SIGMOID, SOFTMAX = ("sigmoid", "binary_crossentropy"), ("softmax", "categorical_crossentropy")

# What binary cross-entropy of the logit x and the target t is: log(1 + exp(x)) - t x.
CASES = {
    "wrong": (SIGMOID, 0.0, [20, 20, 20], [0, 0, 0], 20.0),
    "right, smoothed": (SIGMOID, 0.1, [20, 20, 20], [1, 1, 1], 1.0),
    "softmax, wrong": (SOFTMAX, 0.0, [0, 200, 0], [1, 0, 0], 200.0),
}


def network(case: str, folder: Path) -> Network:
    (activation, loss), smoothing, logits, target, _ = CASES[case]
    x, y = np.tile(np.float32(logits), (8, 1)), np.tile(np.float32(target), (8, 1))
    np.savez(folder / "far.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    text = SPEC.replace("ACTIVATION", activation).replace("LOSS", loss)
    return loads(text.replace("SMOOTHING", str(smoothing)), folder)


@pytest.fixture(
    scope="module", params=[(name, case) for name in TRAINING for case in CASES], ids=str
)
def trained(request, tmp_path_factory) -> tuple[Run, float]:
    name, case = request.param
    require(name)
    folder = tmp_path_factory.mktemp("far")
    run = train(network(case, folder), name, device="cpu", runs=folder / "runs")
    return run, CASES[case][-1]


def test_training_validation_and_test_report_one_loss(trained):
    run, expected = trained
    epoch, test = run.history
    for loss in (epoch["loss"], epoch["val_loss"], test["test_loss"]):
        assert loss == pytest.approx(expected, rel=1e-5)


def test_metrics_see_probabilities_in_training_and_test(trained):
    run, _ = trained
    epoch, test = run.history
    for name in ("auc", "recall"):
        assert epoch[name] == test[f"test_{name}"]
        assert 0 <= test[f"test_{name}"] <= 1


@pytest.mark.parametrize("backend", [*TRAINING, "onnx"])
def test_every_backend_evaluates_to_the_same_loss(trained, backend):
    require(backend)
    run, expected = trained
    assert evaluate(run, backend, "cpu").figures["test_loss"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("quantize", [None, "fp16"])
def test_an_exported_file_evaluates_to_the_same_loss(trained, quantize):
    require("onnx")
    run, expected = trained
    exported = export(run, quantize=quantize)
    assert evaluate(exported.path).figures["test_loss"] == pytest.approx(expected, rel=1e-5)
