"""Windows over a table through a whole run: training, test, resume and a naive forecast."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

import netspec
from frameworks import require
from netspec.data import load
from netspec.data.forecasts import last_windows
from netspec.network import Network, loads
from netspec.runs.folder import Run
from netspec.runs.training import train

ROOT = Path(__file__).parents[2]

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A folder with the sensors that docs/data.md writes."""
    folder = tmp_path_factory.mktemp("sensors")
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    programs = re.findall("```python\n(.*?)```", page, re.DOTALL)
    program = next(text for text in programs if "sensors.csv" in text)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(program, {})
    return folder


def sensors(folder: Path, **changes: str) -> Network:
    spec = (ROOT / "specs/series.yaml").read_text(encoding="utf-8")
    for old, new in changes.items():
        assert old in spec
        spec = spec.replace(old, new)
    return loads(spec, folder)


@pytest.fixture(scope="module")
def run(folder) -> Run:
    require("torch")
    return train(sensors(folder), "torch", device="cpu", runs=folder / "runs")


def test_a_series_is_predicted_better_than_by_the_day_before(folder, run):
    network = sensors(folder)
    test = load(network).test
    preparation = load(network).record.preparation
    assert preparation
    temperature = preparation.columns[0]
    inputs = np.asarray(test.inputs[0])[:, :6, 0] * temperature.deviation + temperature.mean
    day_before = np.abs(inputs - np.asarray(test.targets[0])).mean()
    evaluation = netspec.evaluate(run)
    assert evaluation.remarks == load(network).notes
    error = evaluation.figures["test_mean_absolute_error"]
    assert error < 1.1  # the weather is random: no forecast is better than 0.93
    assert error < 0.6 * day_before


def test_an_exported_file_takes_windows_of_the_columns(run, folder, tmp_path):
    require("onnx")
    from netspec.backend import find_exporting

    exported = netspec.export(run, tmp_path / "series.onnx")
    network = sensors(folder)
    preparation = load(network).record.preparation
    assert preparation
    last = last_windows(network.spec.data, folder / "sensors.csv", preparation)
    assert last.groups == ("sensor north", "sensor south")
    session = find_exporting("onnx").open(exported.path.read_bytes(), "cpu")
    columns = {name: np.asarray(values) for name, values in last.values.items()}
    (expected,) = session.outputs(preparation.apply(columns)["x"])
    (outputs,) = session.outputs_of_columns(columns)
    np.testing.assert_allclose(outputs, expected, rtol=1e-5)
    assert outputs.shape == (2, 6)
    forecast = netspec.predict(run, folder / "sensors.csv")
    assert [*forecast] == ["time", "sensor", "predicted_temperature"]
    np.testing.assert_allclose(forecast["predicted_temperature"], expected.ravel(), rtol=1e-5)


def test_streamed_windows_train_the_same_weights(folder, tmp_path):
    require("torch")
    network = sensors(folder, **{"epochs: 20": "epochs: 1", "horizon: 6": "horizon: 6\n  step: 7"})
    options = {"device": "cpu", "runs": tmp_path}
    whole = train(network, "torch", **options).weights()
    streamed = train(network, "torch", **options, memory=1).weights()
    for name, weights in whole.items():
        np.testing.assert_array_equal(streamed[name], weights)


def test_windows_of_noiseless_sines_are_learned_without_a_loss(tmp_path):
    require("torch")
    rows = [
        f"{i},{sensor},{np.sin(i * step)}"
        for sensor, step in (("a", 0.7), ("b", 0.4))
        for i in range(200)
    ]
    np.random.default_rng(0).shuffle(rows)
    (tmp_path / "rows.csv").write_text("\n".join(["t,sensor,y", *rows, ""]), encoding="utf-8")
    text = """\
netspec: 1
name: sines
input: [6, 1]
layers: [Flatten, Dense: {units: 1}]
data: {dataset: series, path: rows.csv, time: t, group: sensor, target: y, history: 6}
train: {loss: mean_squared_error, epochs: 150, optimizer: {adam: {learning_rate: 0.02}}}
"""
    run = train(loads(text, tmp_path), "torch", device="cpu", runs=tmp_path / "runs")
    assert f"{netspec.evaluate(run).figures['test_loss']:.4f}" == "0.0000"
