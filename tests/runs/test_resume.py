"""A training that goes on: from a kill -9, from an end, and why it may be refused."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

import abacus
from commands import netspec_
from frameworks import TRAINING, require
from netspec.api import load
from netspec.runs.folder import Run, in_order
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import RunError

ON_POSIX = pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
IN_PROCESSES = ["torch", pytest.param("keras", marks=pytest.mark.nightly)]
"""The backends of trainings in separate processes. TensorFlow takes longer to start."""

COMMAND = "from netspec.cli import main; main()"


@ON_POSIX
@pytest.mark.parametrize("backend", IN_PROCESSES)
def test_a_training_killed_in_the_middle_of_an_epoch_ends_as_the_unbroken_one(
    backend, digits_spec, tmp_path
):
    require(backend)
    kill_after(2, digits_spec, backend, tmp_path / "runs", epochs=4)
    (killed,) = in_order(tmp_path / "runs")
    assert killed.checkpoint().epoch in (2, 3)
    network = load(digits_spec, {"train.epochs": 4})
    train(network, backend, device="cpu", runs=tmp_path / "runs", resume=True)
    whole = train(network, backend, device="cpu", runs=tmp_path / "whole")
    assert weights_of(killed) == weights_of(whole)
    assert figures_of(killed) == figures_of(whole)


def kill_after(epoch: int, spec: Path, backend: str, runs: Path, epochs: int) -> None:
    """Train in a separate process, and send it SIGKILL as soon as it reports an epoch."""
    command = [sys.executable, "-c", COMMAND, "train", str(spec), "--backend", backend]
    command += ["--device", "cpu", "--runs", str(runs), "--epochs", str(epochs)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    with process:
        reported = any(line.startswith(f"Epoch {epoch}/") for line in process.stdout)
        process.kill()
    assert reported
    assert process.returncode == -signal.SIGKILL


def weights_of(run: Run) -> bytes:
    return (run.path / "weights.safetensors").read_bytes()


def figures_of(run: Run) -> list[dict[str, float]]:
    """The lines of metrics.jsonl without the time that they took."""
    timed = ("seconds", "images_per_second")
    return [{k: v for k, v in line.items() if k not in timed} for line in run.history]


class Killed(BaseException):
    """Stops a training as it begins an epoch."""


class Stopping(Silent):
    def __init__(self, before: int) -> None:
        self._before = before

    def epoch_begins(self, epoch, images):
        if epoch == self._before:
            raise Killed


def stopped(folder: Path, before: int, changes: dict[str, str] | None = None) -> Run:
    """A run on the abacus that was stopped before an epoch began."""
    network = abacus.network(folder, changes)
    with pytest.raises(Killed):
        train(network, "abacus", runs=folder / "runs", progress=Stopping(before))
    return in_order(folder / "runs")[-1]


def resumed(folder: Path, changes: dict[str, str] | None = None, backend: str = "abacus") -> Run:
    network = abacus.network(folder, changes)
    return train(network, backend, runs=folder / "runs", resume=True)


def unbroken(folder: Path, changes: dict[str, str] | None = None) -> Run:
    return train(abacus.network(folder, changes), "abacus", runs=folder / "unbroken")


@pytest.mark.parametrize("backend", TRAINING)
def test_a_run_goes_on_with_the_passes_that_it_was_begun_with(backend, digits_spec, tmp_path):
    require(backend)
    plain = load(digits_spec, {"train.epochs": 1}, passes="none")
    run = train(plain, backend, device="cpu", runs=tmp_path)
    module = (run.path / "model.py").read_text()
    longer = load(digits_spec, {"train.epochs": 2})
    resumed = train(longer, backend, device="cpu", runs=tmp_path, resume=True)
    assert Run(resumed.path).network.passes == frozenset()
    assert (resumed.path / "model.py").read_text() == module


def test_a_run_does_not_go_on_with_other_passes(on_abacus, tmp_path):
    stopped(tmp_path, 2)
    network = replace(abacus.network(tmp_path), passes=frozenset({"needed_extent"}))
    with pytest.raises(RunError, match="begun with other passes"):
        train(network, "abacus", runs=tmp_path / "runs", resume=True)


@pytest.mark.parametrize("before", [1, 2, 3])
def test_a_stopped_run_ends_as_the_unbroken_one(on_abacus, tmp_path, before):
    stopped(tmp_path, before)
    run = resumed(tmp_path)
    assert weights_of(run) == weights_of(unbroken(tmp_path))
    assert figures_of(run) == figures_of(unbroken(tmp_path))


def test_a_resumed_run_stays_in_its_folder(on_abacus, tmp_path):
    run = stopped(tmp_path, 2)
    assert resumed(tmp_path).path == run.path


def test_a_complete_run_goes_on_where_more_epochs_are_asked_for(on_abacus, tmp_path):
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    run = resumed(tmp_path, {"epochs: 3": "epochs: 5"})
    whole = unbroken(tmp_path, {"epochs: 3": "epochs: 5"})
    assert weights_of(run) == weights_of(whole)
    assert figures_of(run) == figures_of(whole)


def test_a_run_that_went_on_holds_the_spec_that_it_went_on_with(on_abacus, tmp_path):
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    run = resumed(tmp_path, {"epochs: 3": "epochs: 5"})
    assert Run(run.path).network.spec.train.epochs == 5


class Listening(Silent):
    def __init__(self) -> None:
        self.heard: list[str] = []

    def remarks(self, text):
        self.heard.append(text)


def test_a_complete_run_is_reported_as_complete(on_abacus, tmp_path):
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    listening = Listening()
    network = abacus.network(tmp_path)
    again = train(network, "abacus", runs=tmp_path / "runs", resume=True, progress=listening)
    assert again.path == run.path
    assert listening.heard == [f"{run.path} is complete: all of its 3 epochs are done"]


def test_a_complete_run_stays_as_it_was(on_abacus, tmp_path):
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    before = {path.name: path.read_bytes() for path in run.path.iterdir()}
    resumed(tmp_path)
    assert {path.name: path.read_bytes() for path in run.path.iterdir()} == before


SEEDS = [{"epochs: 3": f"epochs: 3\n  seed: {seed}"} for seed in (1, 2)]


def test_of_two_seeds_the_run_of_the_same_seed_is_resumed(on_abacus, tmp_path):
    first, second = (stopped(tmp_path, 2, seed) for seed in SEEDS)
    assert resumed(tmp_path, SEEDS[0]).path == first.path
    assert resumed(tmp_path, SEEDS[1]).path == second.path


def test_a_run_of_as_many_epochs_comes_before_a_newer_one_of_more(on_abacus, tmp_path):
    same = stopped(tmp_path, 2)
    stopped(tmp_path, 4, {"epochs: 3": "epochs: 9"})
    assert resumed(tmp_path).path == same.path


@pytest.mark.parametrize("named", [lambda run: run.path, lambda run: Path(run.path.name)])
def test_a_run_is_resumed_by_its_path_or_name(on_abacus, tmp_path, named):
    oldest = stopped(tmp_path, 2)
    stopped(tmp_path, 2)
    network = abacus.network(tmp_path)
    run = train(network, "abacus", runs=tmp_path / "runs", resume=named(oldest))
    assert run.path == oldest.path
    assert run.history[-1].keys() >= {"test_loss"}


def test_a_named_run_of_another_spec_is_refused(on_abacus, tmp_path):
    first, _ = (stopped(tmp_path, 2, seed) for seed in SEEDS)
    network = abacus.network(tmp_path, SEEDS[1])
    with pytest.raises(RunError, match=r"was begun with another spec: train\.seed was 1, and is 2"):
        train(network, "abacus", runs=tmp_path / "runs", resume=first.path)


def test_a_named_run_of_another_backend_is_refused(on_abacus, tmp_path):
    require("torch")
    run = stopped(tmp_path, 2)
    with pytest.raises(RunError, match="was begun with the backend abacus"):
        train(abacus.network(tmp_path), "torch", runs=tmp_path / "runs", resume=run.path)


def test_a_run_whose_spec_lost_its_training_is_refused(on_abacus, tmp_path):
    run = stopped(tmp_path, 2)
    (run.path / "manifest.json").unlink()
    text = (run.path / "spec.yaml").read_text("utf-8")
    (run.path / "spec.yaml").write_text(text[: text.index("train:")], "utf-8")
    with pytest.raises(RunError, match="was begun with another spec"):
        resumed(tmp_path)


def test_fewer_epochs_than_are_done_make_no_false_figures(on_abacus, tmp_path):
    stopped(tmp_path, 3)
    with pytest.raises(RunError, match="epochs"):
        resumed(tmp_path, {"epochs: 3": "epochs: 1"})


RATE = "learning_rate: 0.05"
PLATEAU = (
    "reduce_on_plateau: {initial_learning_rate: 0.05, monitor: loss, patience: 1, min_delta: 9}"
)


@pytest.mark.parametrize("before", [2, 3, 4])
def test_a_plateau_is_found_again_in_the_records(on_abacus, tmp_path, before):
    longer = {RATE: f"learning_rate: {{{PLATEAU}}}", "epochs: 3": "epochs: 4"}
    stopped(tmp_path, before, longer)
    run, whole = resumed(tmp_path, longer), unbroken(tmp_path, longer)
    assert weights_of(run) == weights_of(whole)
    rates = [record["learning_rate"] for record in run.history[:-1]]
    assert rates == [record["learning_rate"] for record in whole.history[:-1]]
    assert rates == pytest.approx([0.05, 0.05, 0.005, 0.0005])


def test_a_schedule_goes_on_where_it_was(on_abacus, tmp_path):
    decay = "exponential_decay: {initial_learning_rate: 0.05, decay_steps: 5, decay_rate: 0.5}"
    changes = {RATE: f"learning_rate: {{{decay}}}"}
    stopped(tmp_path, 2, changes)
    assert weights_of(resumed(tmp_path, changes)) == weights_of(unbroken(tmp_path, changes))


def test_more_epochs_are_refused_where_the_schedule_is_as_long_as_the_training(on_abacus, tmp_path):
    cosine = {RATE: "learning_rate: {cosine_decay: {initial_learning_rate: 0.05}}"}
    stopped(tmp_path, 2, cosine)
    with pytest.raises(RunError, match=r"train\.epochs was 3, and is 5"):
        resumed(tmp_path, {**cosine, "epochs: 3": "epochs: 5"})


@pytest.mark.parametrize("backend", TRAINING)
def test_averaged_weights_are_those_of_the_end_and_not_what_training_goes_on_from(
    backend, tmp_path
):
    require(backend)
    averaged = {RATE: f"{RATE}, use_ema: true, ema_momentum: 0.5"}
    longer = {**averaged, "epochs: 3": "epochs: 5"}
    whole = train(abacus.network(tmp_path, longer), backend, device="cpu", runs=tmp_path / "whole")
    run = train(abacus.network(tmp_path, averaged), backend, device="cpu", runs=tmp_path / "runs")
    at_the_end = run.weights()
    network = abacus.network(tmp_path, longer)
    run = train(network, backend, device="cpu", runs=tmp_path / "runs", resume=True)
    assert weights_of(run) == weights_of(whole)
    assert figures_of(run) == figures_of(whole)
    plain = train(abacus.network(tmp_path), backend, device="cpu", runs=tmp_path / "plain")
    assert (at_the_end["dense.kernel"] != plain.weights()["dense.kernel"]).any()


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ("batch_size: 7", "batch_size: 8", "train.batch_size was 7, and is 8"),
        ("epochs: 3", "epochs: 3\n  seed: 1", "train.seed was 0, and is 1"),
        ("learning_rate: 0.05", "learning_rate: 0.1", "sgd.learning_rate was 0.05, and is 0.1"),
        ("scale: 255", "scale: 128", "data.scale was 255.0, and is 128.0"),
        ("softmax}", "softmax, name: last}", "layers.1.Dense.name was "),
    ],
)
def test_another_spec_is_refused_with_the_first_difference(
    on_abacus, tmp_path, old, new, difference
):
    stopped(tmp_path, 2)
    with pytest.raises(RunError, match="was begun with another spec") as raised:
        resumed(tmp_path, {old: new})
    assert difference in raised.value.message


def test_a_layer_more_is_refused_in_a_line(on_abacus, tmp_path):
    stopped(tmp_path, 2)
    with pytest.raises(RunError, match="was begun with another spec") as raised:
        resumed(tmp_path, {"- Flatten": "- Flatten\n  - Dropout: {rate: 0.5}"})
    assert len(raised.value.message) < 200
    assert "layers" in raised.value.message


def test_another_description_is_no_other_spec(on_abacus, tmp_path):
    stopped(tmp_path, 2)
    described = {"name: regression": "name: regression\ndescription: The same."}
    assert resumed(tmp_path, described).history[-1].keys() >= {"test_loss"}


def test_images_under_another_path_are_another_spec(on_abacus, tmp_path):
    stopped(tmp_path, 2)
    np.savez(tmp_path / "others.npz", **abacus.arrays(1))
    with pytest.raises(RunError, match=r"data\.path was .*images\.npz"):
        resumed(tmp_path, {"images.npz": "others.npz"})


def test_the_newest_run_of_this_network_is_resumed(on_abacus, tmp_path):
    stopped(tmp_path, 2)
    newest = stopped(tmp_path, 3)
    other = abacus.network(tmp_path, {"name: regression": "name: other"})
    train(other, "abacus", runs=tmp_path / "runs")
    assert resumed(tmp_path).path == newest.path


def test_a_run_of_another_backend_is_not_resumed(on_abacus, tmp_path):
    require("torch")
    stopped(tmp_path, 2)
    with pytest.raises(RunError, match="there is no run of regression with torch"):
        resumed(tmp_path, backend="torch")


def test_without_a_run_there_is_nothing_to_resume(on_abacus, tmp_path):
    with pytest.raises(RunError, match="there is no run of regression with abacus"):
        resumed(tmp_path)


def test_ctrl_c_before_there_is_a_run_names_no_remedy(digits_spec, monkeypatch):
    monkeypatch.setattr("netspec.runs.training.train", mock.Mock(side_effect=KeyboardInterrupt))

    ended = netspec_("train", digits_spec, "--backend", "torch")

    assert (ended.status, ended.out, ended.err) == (130, "", "\nStopped.\n")


@ON_POSIX
def test_ctrl_c_ends_a_training_with_how_to_go_on(digits_spec, tmp_path):
    require("torch")
    # A shell lets what it starts in the background ignore the signal, and so would this process.
    program = f"import signal; signal.signal(signal.SIGINT, signal.default_int_handler); {COMMAND}"
    command = [sys.executable, "-c", program, "train", str(digits_spec), "--backend", "torch"]
    command += ["--device", "cpu", "--runs", str(tmp_path), "--epochs", "500"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert any(line.startswith("Epoch   1/") for line in process.stdout)
        process.send_signal(signal.SIGINT)
        errors = process.stderr.read()
    assert process.returncode == 130
    assert errors == "\nStopped. Go on from the last complete epoch with --resume.\n"
