"""Tables through a whole run: training, test, resume, and the specs of the project."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pytest

import netspec
from frameworks import TRAINING, require
from netspec.data import load
from netspec.network import Network, loads
from netspec.runs.folder import Run
from netspec.runs.training import train

pytest.importorskip("pyarrow")
ROOT = Path(__file__).parents[2]

SPEC = """\
netspec: 1
name: rows
input: [9]
layers: [Dense: {units: 8, activation: relu}, Dense: {units: 2, activation: softmax}]
data: {dataset: table, path: rows.csv, target: kind}
train:
  loss: sparse_categorical_crossentropy
  optimizer: {adam: {learning_rate: 0.05}}
  epochs: 3
  batch_size: 8
  validation: {fraction: 0.2, stratify: true}
"""


def network(folder: Path, **changes: str) -> Network:
    text = SPEC
    for before, after in changes.items():
        text = text.replace(before, after)
    return loads(text, folder)


def write_rows(path: Path, offset: float = 0) -> Path:
    """Rows of a number with a few missing ones, a code and a date; the code decides the class."""
    random = np.random.default_rng(0)
    lines = ["size,code,sold,kind"]
    for row in range(80):
        code = row % 2
        size = "" if row % 10 == 0 else f"{random.normal() + offset:.3f}"
        lines.append(f"{size},{('007', '7')[code]},2026-0{row % 9 + 1}-11,{'ab'[code]}")
    path.write_text("\n".join(lines), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("rows")
    write_rows(folder / "rows.csv")
    return folder


@pytest.fixture(scope="module", params=TRAINING)
def run(request, folder) -> Run:
    require(request.param)
    return train(network(folder), request.param, device="cpu", runs=folder / "runs")


def test_a_run_records_its_preparation(run):
    preparation = run.about.data.preparation
    kinds = {column.name: column.kind for column in preparation.columns}
    assert kinds == {"size": "number", "code": "category", "sold": "time"}
    assert run.about.data.class_names == ("a", "b")


def test_a_run_learns_from_a_code(run):
    assert netspec.evaluate(run).figures["test_accuracy"] == 1


def test_a_run_is_tested_on_another_table_with_its_preparation(run, tmp_path):
    write_rows(tmp_path / "other.csv", offset=1000)
    moved = netspec.evaluate(run, data=write_rows(tmp_path / "rows.csv"))
    assert moved.figures == netspec.evaluate(run).figures
    other = netspec.evaluate(run, data=tmp_path / "other.csv")
    assert other.figures["test_loss"] != moved.figures["test_loss"]
    assert other.class_names == ("a", "b")


def test_a_resumed_run_ends_with_the_same_weights(run, folder, tmp_path):
    options = {"device": "cpu", "runs": tmp_path}
    begun = train(network(folder, **{"epochs: 3": "epochs: 1"}), run.backend, **options)
    resumed = train(network(folder), run.backend, resume=begun.path, **options)
    for name, weights in run.weights().items():
        np.testing.assert_array_equal(resumed.weights()[name], weights)


BOUNDS = {"wine": 0.97, "breast_cancer": 0.95, "diabetes": 0.4}
"""The accuracies of the specs, and R2 of diabetes."""


@pytest.mark.parametrize("name", BOUNDS)
def test_a_spec_is_as_good_as_scikit_learns_network(name, tmp_path, monkeypatch):
    pytest.importorskip("sklearn")
    pytest.importorskip("pandas")
    require("torch")
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    monkeypatch.chdir(tmp_path)
    page = (ROOT / "docs/data.md").read_text(encoding="utf-8")
    program = next(
        text for text in re.findall("```python\n(.*?)```", page, re.DOTALL) if "wine" in text
    )
    exec(program, {})
    spec = loads((ROOT / f"specs/{name}.yaml").read_text(encoding="utf-8"), tmp_path)
    run = train(spec, "torch", device="cpu", runs=tmp_path / "runs")
    dataset = load(spec, learned=run.about.data)
    train_x, test_x = (np.asarray(part.inputs[0]) for part in (dataset.train, dataset.test))
    train_y, test_y = (
        np.asarray(part.targets[0]).ravel() for part in (dataset.train, dataset.test)
    )
    figures = netspec.evaluate(run).figures
    score = figures.get("test_accuracy", figures.get("test_binary_accuracy"))
    options = {"hidden_layer_sizes": (64, 32), "max_iter": 500, "random_state": 0}
    model = make_pipeline(StandardScaler(), MLPClassifier(**options))
    if name == "diabetes":
        score = 1 - figures["test_loss"] / test_y.var()
        # 500 epochs are too many for so few rows.
        model = make_pipeline(StandardScaler(), MLPRegressor(**{**options, "max_iter": 60}))
        model = TransformedTargetRegressor(model, transformer=StandardScaler())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        other = model.fit(train_x, train_y).score(test_x, test_y)
    assert score >= BOUNDS[name]
    assert score >= other - 0.03
