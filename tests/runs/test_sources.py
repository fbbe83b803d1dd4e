"""A data source of another package through a whole run: training, test, export, prediction."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import netspec
from frameworks import require
from netspec.network import loads
from netspec.runs.folder import Run

PLUGIN = Path(__file__).parents[1] / "core/plugin"

SPEC = """\
netspec: 1
name: stripes
input: [4, 4, 1]
layers: [Flatten, Dense: {units: 2, activation: softmax}]
data: {dataset: stripes, names: names.txt, scale: 100}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.1}}
  metrics: [accuracy, confusion_matrix]
  epochs: 3
  batch_size: 4
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("stripes")
    (folder / "names.txt").write_text("across down", encoding="utf-8")
    pixels = np.zeros((4, 4), np.uint8)
    pixels[::2] = 255
    Image.fromarray(pixels).save(folder / "across.png")
    Image.fromarray(pixels.T).save(folder / "down.png")
    return folder


@pytest.fixture(scope="module")
def run(folder) -> Iterator[Run]:
    """A run on the source `stripes`, as a source that is installed."""
    require("torch")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        yield netspec.train(loads(SPEC, folder), "torch", device="cpu", runs=folder / "runs")


def test_run_records_the_class_names_and_the_value_range(run):
    assert run.about.data.class_names == ("across", "down")
    assert run.about.data.arrays["x_train"].value_range == (0, 100)


def test_evaluation_finds_the_data_and_shows_their_class_names(run):
    evaluation = netspec.evaluate(run)
    assert evaluation.class_names == ("across", "down")
    assert evaluation.remarks == ()


def test_exported_file_predicts_the_class_names_of_the_data(run, folder):
    require("onnx")
    path = netspec.export(run).path
    for name in ("across", "down"):
        (prediction,) = netspec.predict(path, [folder / f"{name}.png"])
        assert prediction.label == name


def test_run_and_file_scale_white_to_the_value_range_of_the_data(run, folder):
    require("onnx")
    (predicted,) = netspec.predict(run, [folder / "down.png"])
    weights = run.weights()
    inputs = np.tile(np.array([1, 0, 1, 0], np.float32), 4)  # 255 is 100, divided by scale: 100
    logits = inputs @ weights["dense.kernel"] + weights["dense.bias"]
    expected = np.exp(logits) / np.exp(logits).sum()
    assert [*predicted.probabilities.values()] == pytest.approx(expected.tolist(), abs=1e-6)
