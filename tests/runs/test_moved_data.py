"""A run knows its data: what was replaced is noticed, what was moved is found again."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

import abacus
from netspec.runs.evaluation import evaluate_run
from netspec.runs.folder import Run
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import DataError, RunError


class Listening(Silent):
    """Remembers the remarks of a training."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def remarks(self, text):
        self.heard.append(text)


@pytest.fixture
def run(on_abacus, tmp_path) -> Run:
    return train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")


def longer(folder: Path):
    return abacus.network(folder, {"epochs: 3": "epochs: 4"})


def test_a_run_records_every_array(run):
    record = run.about.data
    assert {name: array.count for name, array in record.arrays.items()} == {
        "x_train": 40,
        "y_train": 40,
        "x_test": 20,
        "y_test": 20,
    }
    images = abacus.arrays()["x_train"]
    array = record.arrays["x_train"]
    assert (array.dtype, array.shape) == ("uint8", (2, 2))
    assert (array.minimum, array.maximum) == (images.min(), images.max())


def test_no_file_of_a_run_contains_an_absolute_path(run, tmp_path):
    holding = [file for file in run.path.iterdir() if str(tmp_path).encode() in file.read_bytes()]
    assert holding == []
    assert run.network.spec.data.path == "../../images.npz"


def test_an_absolute_path_of_a_spec_is_stored_relative(on_abacus, tmp_path):
    path = tmp_path / "images.npz"
    network = abacus.network(tmp_path, {"images.npz": str(path)})
    run = train(network, "abacus", runs=tmp_path / "deep" / "runs")
    assert run.network.spec.data.path == "../../../images.npz"
    assert evaluate_run(run).remarks == ()


def test_a_folder_with_data_and_runs_can_be_moved(run, tmp_path):
    (tmp_path / "moved").mkdir()
    for name in ("runs", "images.npz"):
        shutil.move(tmp_path / name, tmp_path / "moved" / name)
    moved = Run(tmp_path / "moved" / "runs" / run.path.name)
    assert evaluate_run(moved).remarks == ()


def test_a_run_behind_a_link_finds_its_data(on_abacus, tmp_path):
    (tmp_path / "a" / "b" / "disk").mkdir(parents=True)
    (tmp_path / "runs").symlink_to(tmp_path / "a" / "b" / "disk")
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert evaluate_run(run).remarks == ()


def test_evaluate_reports_replaced_data(run, tmp_path):
    assert evaluate_run(run).remarks == ()
    images = abacus.arrays()["x_test"].copy()
    images[3, 1, 1] += 1
    abacus.network(tmp_path, x_test=images)
    (remark,) = evaluate_run(run).remarks
    assert remark.endswith(": x_test has other values")


def test_resume_refuses_replaced_data(run, tmp_path):
    labels = abacus.arrays()["y_train"].copy()
    labels[0] = (labels[0] + 1) % 3
    network = longer(tmp_path)
    np.savez(tmp_path / "images.npz", **(abacus.arrays() | {"y_train": labels}))
    before = {file.name: file.read_bytes() for file in run.path.iterdir()}
    with pytest.raises(RunError, match="begun with other data: y_train has other values"):
        train(network, "abacus", runs=tmp_path / "runs", resume=True)
    assert {file.name: file.read_bytes() for file in run.path.iterdir()} == before


@pytest.mark.parametrize("place", ["elsewhere/renamed.npz", "elsewhere"])
def test_moved_data_are_found_where_the_user_says(run, tmp_path, place):
    network = longer(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    name = "renamed.npz" if place.endswith(".npz") else "images.npz"
    (tmp_path / "images.npz").rename(tmp_path / "elsewhere" / name)
    with pytest.raises(DataError, match=r"there is no file .*images\.npz") as raised:
        evaluate_run(run)
    assert "--data" in str(raised.value)
    assert evaluate_run(run, data=tmp_path / place).remarks == ()
    options = {"runs": tmp_path / "runs", "resume": True, "data": tmp_path / place}
    resumed = train(network, "abacus", **options)
    assert resumed.path == run.path
    assert evaluate_run(Run(run.path)).remarks == ()  # it is written down where they are


def test_a_run_without_a_record_goes_on_with_a_remark(run, tmp_path):
    about = json.loads((run.path / "run.json").read_text())
    del about["data"]
    run.write({"run.json": json.dumps(about).encode()})
    old = Run(run.path)
    (remark,) = evaluate_run(old).remarks
    assert "does not record its data" in remark
    progress = Listening()
    train(longer(tmp_path), "abacus", runs=tmp_path / "runs", resume=True, progress=progress)
    assert [text for text in progress.heard if "does not record its data" in text]
