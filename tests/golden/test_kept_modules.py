"""Generated modules run where netspec cannot be imported."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from frameworks import TRAINING, require
from golden.writing import WHOLE, images, random_weights, written_module
from netspec.backend import find
from netspec.network import load
from netspec.numerics.weights import to_bytes
from shared_folder import shared_folder

KEPT = {name: path for name, path in WHOLE.items() if name != "several_outputs"}
"""The networks with one input, for the program without netspec."""

RUNNER = Path(__file__).with_name("without_netspec.py")


@pytest.fixture(scope="module", params=TRAINING)
def kept(request, tmp_path_factory) -> tuple[str, Path]:
    """A backend, and the folder with the outputs of its modules from one process without netspec."""
    backend: str = request.param
    require(backend)
    return backend, shared_folder(tmp_path_factory, f"kept_{backend}", partial(run_kept, backend))


def run_kept(backend: str, folder: Path) -> None:
    for spec, path in KEPT.items():
        network = load(path)
        (folder / spec).mkdir()
        (folder / spec / "module.py").write_text(written_module(network, backend), "utf-8")
        weights = to_bytes(network.graph, random_weights(network))
        (folder / spec / "weights.safetensors").write_bytes(weights)
        np.save(folder / spec / "inputs.npy", images(network))
    command = [sys.executable, str(RUNNER), backend, str(folder)]
    process = subprocess.run(command, capture_output=True, text=True, cwd=folder, check=False)
    assert process.returncode == 0, process.stderr


def result(folder: Path, name: str) -> Path:
    """A file that the process without netspec wrote for a spec."""
    error = folder / "error.txt"
    assert not error.exists(), error.read_text(encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("spec", KEPT)
def test_a_kept_module_predicts_the_backends_values(spec, kept):
    backend, folder = kept
    network = load(KEPT[spec])
    predictor = find(backend).predictor(network, random_weights(network), "cpu")
    outputs = np.load(result(folder / spec, "outputs.npy"))
    # Keras runs the kept module without compilation, so that rounding may differ.
    np.testing.assert_allclose(outputs, predictor.predict(images(network)), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("spec", [spec for spec in KEPT if spec != "names_in_use"])
def test_a_kept_module_takes_a_step_of_training(spec, kept):
    _, folder = kept
    before, after = np.load(result(folder / spec, "losses.npy"))
    assert np.isfinite(after)
    assert after != before


@pytest.mark.parametrize("spec", KEPT)
def test_a_kept_module_prints_its_layers(spec, kept):
    _, folder = kept
    text = result(folder / spec, "shown.txt").read_text(encoding="utf-8")
    assert "Dense" in text or "Linear" in text
