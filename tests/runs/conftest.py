"""What the tests of runs share: the abacus, and one small run on each backend."""

from __future__ import annotations

from pathlib import Path

import pytest

import abacus
from frameworks import TRAINING, require
from netspec.network import loads
from netspec.runs.folder import Run
from netspec.runs.training import train

DIGITS = """\
netspec: 1
name: small_digits
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, strides: 2, padding: same, use_bias: false}
  - BatchNormalization: {momentum: 0.9}
  - Activation: {activation: relu}
  - Dropout: {rate: 0.2}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01}}
  epochs: 2
  batch_size: 100
  validation_split: 0.1
  seed: 3
"""


@pytest.fixture
def on_abacus(monkeypatch):
    """The abacus as a backend that is installed."""
    abacus.install(monkeypatch)


@pytest.fixture(scope="session")
def digits_spec(tmp_path_factory) -> Path:
    """A spec that trains in a second."""
    path = tmp_path_factory.mktemp("spec") / "small_digits.yaml"
    path.write_text(DIGITS, encoding="utf-8")
    return path


@pytest.fixture(scope="session", params=TRAINING)
def digits_run(request, tmp_path_factory) -> Run:
    """A run of DIGITS on a backend; no test changes it."""
    require(request.param)
    folder = tmp_path_factory.mktemp("runs")
    return train(loads(DIGITS), request.param, device="cpu", runs=folder)
