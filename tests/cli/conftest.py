"""The spec that the commands are tried on."""

from __future__ import annotations

from pathlib import Path

import pytest

DIGITS = """\
netspec: 1
name: small_digits
input: [8, 8, 1]
layers:
  - Conv2D: {filters: 4, kernel_size: 3, strides: 2, activation: relu}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.01}}
  epochs: 2
"""


@pytest.fixture(scope="session")
def digits(tmp_path_factory) -> Path:
    """A spec that trains in a second."""
    path = tmp_path_factory.mktemp("spec") / "small_digits.yaml"
    path.write_text(DIGITS, encoding="utf-8")
    return path


@pytest.fixture
def spec(tmp_path) -> Path:
    """A copy of it that a test may change."""
    path = tmp_path / "small_digits.yaml"
    path.write_text(DIGITS, encoding="utf-8")
    return path
