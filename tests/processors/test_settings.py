"""Settings of the processor change only rounding: in training, and in the values of layers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from _pytest.mark import ParameterSet

from frameworks import require
from netspec.backend import find_training
from netspec.numerics.weights import Array
from processors import run
from processors.settings import SETTINGS, Setting, environment_of
from processors.steps import BATCH, STEPS, tutorial

PROGRAM = Path(__file__).with_name("steps.py")
LAYERS = Path(__file__).with_name("layers.py")

FIRST, TWENTY, FIFTY = 1e-5, 3e-2, 2e-1
"""The maximum relative difference from losses in float64 in the first 3, 20 and 50 steps.

conformance/test_training.py explains the first two. A float64 run whose initial weights are changed
by 1e-5 of their size is off by 1.3e-2 after 20 steps, and by 8.8e-2 after 50.
"""


def require_setting(setting: Setting) -> None:
    """Skip the test where this machine cannot apply a setting."""
    require(*setting.backends)
    if setting.reason_to_skip is not None:
        pytest.skip(f"{setting}: {setting.reason_to_skip}")


def output_of(setting: Setting, program: Path, *arguments: str) -> str:
    """What a program prints with a setting."""
    path = os.pathsep.join(sys.path)
    environment = environment_of(setting) | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path}
    command = [sys.executable, str(program), *arguments]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def exact_losses() -> Array:
    """The losses of the tutorial's first steps in float64, with Keras's rule of Adam."""
    require("torch")
    import torch

    network, weights, images = tutorial()
    model = find_training("torch").model(network, weights).double().train()
    parameters = list(model.parameters())
    means, squares = ([torch.zeros_like(parameter) for parameter in parameters] for _ in range(2))
    losses: list[float] = []
    for step in range(1, STEPS + 1):
        batch = images[np.arange((step - 1) * BATCH, step * BATCH)]
        (values,), (labels,) = batch.values(), batch.targets
        probabilities = model(torch.from_numpy(values).double())
        loss = -probabilities[torch.arange(BATCH), torch.from_numpy(labels).long()].log().mean()
        losses.append(loss.item())
        gradients = torch.autograd.grad(loss, parameters)
        rate = 1e-3 * (1 - 0.999**step) ** 0.5 / (1 - 0.9**step)
        with torch.no_grad():
            state = zip(parameters, gradients, means, squares, strict=True)
            for parameter, gradient, mean, square in state:
                mean += (gradient - mean) * (1 - 0.9)
                square += (gradient**2 - square) * (1 - 0.999)
                parameter -= rate * mean / (square.sqrt() + 1e-7)
    return np.array(losses)


def settings_of_fifty_steps() -> Iterator[ParameterSet]:
    """All settings. `make test` runs the setting of each backend that differs most from its default."""
    furthest = {"TF_ENABLE_ONEDNN_OPTS=0", "ATEN_CPU_CAPABILITY=default"}
    for setting in SETTINGS:
        marks = () if str(setting) in furthest else pytest.mark.nightly
        yield pytest.param(setting, id=str(setting), marks=marks)


@pytest.mark.parametrize("setting", [*settings_of_fifty_steps()])
def test_fifty_steps_have_the_losses_of_float64(setting: Setting, exact_losses: Array) -> None:
    require_setting(setting)

    output = output_of(setting, PROGRAM, *setting.backends)

    for backend, losses in json.loads(output).items():
        for steps, bound in ((3, FIRST), (20, TWENTY), (STEPS, FIFTY)):
            np.testing.assert_allclose(losses[:steps], exact_losses[:steps], bound, err_msg=backend)


def test_transposed_convolutions_have_their_values_without_onednn() -> None:
    (setting,) = (setting for setting in SETTINGS if str(setting) == "TF_ENABLE_ONEDNN_OPTS=0")
    require_setting(setting)

    lines = output_of(setting, LAYERS).splitlines()

    assert len(lines) > 5


def test_the_table_counts_failed_tests(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    test = "import os\ndef test_a(): assert os.environ['A'] == 'b'\ndef test_b(): assert 0\n"
    (tmp_path / "test_setting.py").write_text(test, encoding="utf-8")
    impossible = Setting("C", "d", (), frozenset({"no such feature"}))
    monkeypatch.setattr(run, "SETTINGS", (Setting("A", "b", ()), impossible))

    status = run.main([str(tmp_path), "-p", "no:cacheprovider", "--numprocesses=0"])

    *_, first_row, second_row = capfd.readouterr().out.splitlines()
    assert first_row.split()[:3] == ["A=b", "1", "1"]
    assert second_row.split(maxsplit=1) == ["C=d", "skipped: the processor has no no such feature"]
    assert status == 1
