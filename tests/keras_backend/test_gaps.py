"""A layer that TensorFlow cannot compute is an error at its place. oneDNN is on by default."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from conformance.networks import found
from frameworks import require
from netspec.testing.networks import network, random_weights
from netspec.text.diagnostics import SpecError

DILATED = """\
netspec: 1
name: dilated
input: [8, 8, 1]
layers:
  - Conv2DTranspose: {filters: 2, kernel_size: 3, dilation_rate: 2}
  - Flatten
  - Dense: {units: 10, activation: softmax}
data: {dataset: digits, scale: 16}
train: {loss: sparse_categorical_crossentropy, epochs: 1}
"""

REFUSED = """\
error[device]: TensorFlow without oneDNN computes no transposed convolution with a dilation
 --> dilated.yaml:5:5
  |
5 |   - Conv2DTranspose: {filters: 2, kernel_size: 3, dilation_rate: 2}
  |     ^^^^^^^^^^^^^^^
  |
  = help: unset TF_ENABLE_ONEDNN_OPTS or set it to 1, or use the torch backend
"""


def run_python(
    folder: Path, onednn: str | None, *arguments: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process whose TF_ENABLE_ONEDNN_OPTS is this value, or is not set."""
    require("keras")
    environment = {
        name: text for name, text in os.environ.items() if name != "TF_ENABLE_ONEDNN_OPTS"
    }
    if onednn is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = onednn
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def test_training_without_the_kernel_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "dilated.yaml").write_text(DILATED, encoding="utf-8")
    command = ("-m", "netspec", "train", "dilated.yaml", "--backend", "keras")

    process = run_python(tmp_path, "0", *command)

    assert (process.returncode, process.stdout, process.stderr) == (1, "", REFUSED)
    assert [path.name for path in tmp_path.iterdir()] == ["dilated.yaml"]


FAKES = {
    "keras.py": "import types\nbackend = types.SimpleNamespace(backend=lambda: 'tensorflow')\n",
    "tensorflow.py": "import os\nfrom unittest import mock\n"
    "print(os.environ['TF_ENABLE_ONEDNN_OPTS'])\nconfig = mock.MagicMock()\n",
}
"""Modules that replace Keras and TensorFlow, to save their import times."""

IMPORT = """\
import os, sys
sys.path.insert(0, "")
before = dict(os.environ)
import netspec_keras.framework
print(dict(os.environ) == before)
"""


@pytest.mark.parametrize(("value", "expected"), [(None, "1"), ("0", "0"), ("1", "1")], ids=str)
def test_the_users_setting_of_onednn_wins(value: str | None, expected: str, tmp_path: Path) -> None:
    for name, source in FAKES.items():
        (tmp_path / name).write_text(source, encoding="utf-8")

    process = run_python(tmp_path, value, "-c", IMPORT)

    assert (process.stdout, process.stderr) == (f"{expected}\nTrue\n", "")


def test_an_operation_that_fails_names_its_layer() -> None:
    layers = ["Embedding: {input_dim: 3, output_dim: 2, name: words}", "Flatten"]
    tested = network((4,), layers)
    predictor = found("keras").predictor(tested, random_weights(tested.graph), "cpu")

    with pytest.raises(SpecError) as raised:
        predictor.predict(np.full((2, 4), 3, np.float32))

    (diagnostic,) = raised.value.diagnostics
    assert (diagnostic.code, diagnostic.place.line, diagnostic.place.column) == ("device", 5, 5)
    assert "not in [0, 3)" in diagnostic.message
