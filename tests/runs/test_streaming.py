"""Data that stay in their file are trained on as those in memory, to the last bit."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import abacus
from frameworks import TRAINING, require
from netspec.data import streaming
from netspec.network import Network, loads
from netspec.runs.evaluation import evaluate_run
from netspec.runs.folder import Run
from netspec.runs.training import train
from netspec.text.diagnostics import DataError

CLASSES = """\
netspec: 1
name: tested
input: [4, 4, 1]
layers: [Flatten, Dense: {units: 3, activation: softmax}]
data: {dataset: npz, path: data.npz, scale: 255}
train:
  loss: sparse_categorical_crossentropy
  epochs: 2
  batch_size: 7
  validation_split: 0.2
  class_weights: {"1": 3}
  metrics: [accuracy, auc]
"""
AUTOENCODER = """\
netspec: 1
name: tested
input: [4, 4, 1]
layers: [Flatten, Dense: {units: 3}, Dense: {units: 16}, Reshape: {target_shape: [4, 4, 1]}]
data: {dataset: npz, path: data.npz, scale: 255, target: input}
train: {loss: mean_squared_error, epochs: 2, batch_size: 7, metrics: [mean_absolute_error]}
"""
SEVERAL = """\
netspec: 1
name: tested
input: {left: [4, 4, 1], right: [5]}
layers:
  - Flatten: {inputs: left, name: flat}
  - Concatenate: {inputs: [flat, right], name: both}
  - Dense: {units: 3, activation: softmax, name: kind}
  - Dense: {inputs: both, units: 2, name: place}
output: [kind, place]
data: {dataset: npz, path: data.npz, scale: 2}
train:
  loss: {kind: sparse_categorical_crossentropy, place: mean_squared_error}
  epochs: 2
  batch_size: 7
"""


def data_of(spec: str) -> dict[str, Any]:
    random = np.random.default_rng(0)
    results: dict[str, Any] = {}
    for part, count in (("train", 50), ("test", 20)):
        pixels = random.integers(0, 256, (count, 4, 4)).astype(np.uint8)
        kinds = random.integers(0, 3, count).astype(np.uint8)
        if spec == SEVERAL:
            results[f"x_{part}_left"], results[f"y_{part}_kind"] = pixels, kinds
            results[f"x_{part}_right"] = random.normal(size=(count, 5))
            results[f"y_{part}_place"] = random.normal(size=(count, 2))
        else:
            results |= {f"x_{part}": pixels, f"y_{part}": kinds}
        results[f"w_{part}"] = random.uniform(0.5, 2, count)
    return results


def network(spec: str, folder: Path) -> Network:
    np.savez(folder / "data.npz", **data_of(spec))
    return loads(spec, folder)


def figures(run: Run) -> list[dict[str, Any]]:
    timed = ("seconds", "images_per_second")
    return [{k: v for k, v in record.items() if k not in timed} for record in run.history]


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a stream come two steps of seven images at a time."""
    monkeypatch.setattr(streaming, "PART_BYTES", 2 * 7 * 24)


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize("spec", [CLASSES, AUTOENCODER, SEVERAL], ids=["classes", "own", "several"])
@pytest.mark.parametrize("backend", TRAINING)
def test_a_stream_trains_as_memory_does(backend: str, spec: str, tmp_path: Path) -> None:
    require(backend)
    tested = network(spec, tmp_path)

    memory, stream = (
        train(tested, backend, runs=tmp_path / str(most), memory=most) for most in (1 << 30, 0)
    )

    assert figures(stream) == figures(memory)
    for key, value in memory.weights().items():
        np.testing.assert_array_equal(stream.weights()[key], value, err_msg=key)


@pytest.mark.parametrize("backend", TRAINING)
def test_arrays_in_memory_can_be_streamed_to_the_device(backend: str, tmp_path: Path) -> None:
    require(backend)
    np.savez_compressed(tmp_path / "data.npz", **data_of(CLASSES))
    tested = loads(CLASSES, tmp_path)

    memory, stream = (
        train(tested, backend, runs=tmp_path / str(most), memory=most) for most in (1 << 30, 0)
    )

    assert figures(stream) == figures(memory)


def test_a_file_that_changes_during_a_training_is_told(monkeypatch, tmp_path):
    class Changing(abacus.Abacus):
        def trainer(self, *arguments: Any) -> Any:
            os.utime(tmp_path / "images.npz", ns=(0, 0))
            return super().trainer(*arguments)

    abacus.install(monkeypatch, Changing())
    with pytest.raises(DataError, match=r"images.npz was changed while it was in use"):
        train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", memory=0)


@pytest.mark.parametrize("backend", TRAINING)
def test_the_fault_of_a_stream_comes_out_of_its_thread(backend, monkeypatch, tmp_path):
    require(backend)
    tested = network(CLASSES, tmp_path)
    steps_of_stream = streaming.steps_of_stream

    def changing(*arguments: Any) -> int:
        os.utime(tmp_path / "data.npz", ns=(0, 0))
        return steps_of_stream(*arguments)

    monkeypatch.setattr(f"netspec_{backend}.feeding.steps_of_stream", changing)
    with pytest.raises(DataError, match=r"data.npz was changed while it was in use"):
        train(tested, backend, runs=tmp_path / "runs", memory=0)


def test_a_run_is_tested_on_its_file(monkeypatch, tmp_path):
    abacus.install(monkeypatch)
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", memory=0)

    tested = {key: value for key, value in run.history[-1].items() if key.startswith("test_")}
    assert evaluate_run(run).figures == tested
