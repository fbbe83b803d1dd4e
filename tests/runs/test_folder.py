"""What a run folder holds, and that it is whole after every epoch and after every stop."""

from __future__ import annotations

import json
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import load_file, save_file

import abacus
import netspec.runs.manifest
from netspec.backend import find_training
from netspec.network import loads
from netspec.runs.folder import CHECKPOINT_FORMAT, Run, find, in_order
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import RunError, WeightsError
from netspec.text.files import write_partial

FILES = {
    "spec.yaml",
    "model.py",
    "run.json",
    "checkpoint.safetensors",
    "weights.safetensors",
    "reference.safetensors",
    "metrics.jsonl",
    "manifest.json",
}


def names_of(run: Run) -> set[str]:
    """The files in the folder of a run, without the files of its lock."""
    return {path.name for path in run.path.iterdir()} - {".lock", ".holder.json"}


class Killed(BaseException):
    """Stops a process at once, as far as a test in the same process can."""


# What is in it.


def test_a_run_holds_these_files_and_no_others(digits_run):
    assert names_of(digits_run) == FILES


def test_a_run_is_named_after_its_network_and_backend(digits_run):
    assert digits_run.path.name == f"small_digits-{digits_run.backend}-1"


def test_a_run_holds_the_module_that_was_run(digits_run):
    module = (digits_run.path / "model.py").read_text(encoding="utf-8")
    assert module == find_training(digits_run.backend).source(digits_run.network)


def test_a_run_holds_a_spec_that_means_what_was_asked_for(digits_run, digits_spec):
    network = loads(digits_spec.read_text(encoding="utf-8"))
    assert digits_run.network.spec == network.spec


def test_a_run_says_what_it_was_made_with(digits_run):
    about = json.loads((digits_run.path / "run.json").read_text(encoding="utf-8"))
    module = {"keras": "keras", "torch": "torch"}[digits_run.backend]
    assert about["name"] == "small_digits"
    assert about["backend"] == digits_run.backend
    assert about["device"] == "cpu"
    assert about["seed"] == 3
    assert about["graph"] == digits_run.network.graph.hash
    assert about["versions"]["numpy"] == np.__version__
    assert about["versions"][module] == version(module)


def test_the_checkpoint_holds_the_weights_of_the_weights_file(digits_run):
    kept = digits_run.checkpoint().weights
    weights = digits_run.weights()
    assert kept.keys() == weights.keys()
    assert all(np.array_equal(kept[key], weights[key]) for key in weights)


def test_the_same_training_writes_the_same_bytes_of_weights(on_abacus, tmp_path):
    # Often enough that an order which is random, as of a hash table, would show.
    network = abacus.network(tmp_path)
    runs = [train(network, "abacus", runs=tmp_path / "runs") for _ in range(6)]
    assert len({(run.path / "weights.safetensors").read_bytes() for run in runs}) == 1


def test_a_run_finds_its_images_whatever_folder_netspec_is_called_from(
    on_abacus, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    network = abacus.network(Path())
    run = train(network, "abacus", runs=Path("runs"))
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    again = Run(tmp_path / "runs" / run.path.name).network
    assert train(again, "abacus", runs=tmp_path / "others").history


# Whole after every epoch.


def test_a_run_is_whole_before_its_first_epoch(on_abacus, tmp_path):
    inspector = Inspector()
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", progress=inspector)
    assert inspector.at_the_beginning == (FILES, 0, 0)


def test_a_run_is_whole_after_every_epoch(on_abacus, tmp_path):
    inspector = Inspector()
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", progress=inspector)
    assert inspector.after_epochs == [(FILES, 1, 1), (FILES, 2, 2), (FILES, 3, 3)]


def test_a_run_appears_under_its_name_all_at_once(on_abacus, tmp_path, monkeypatch):
    names: list[set[str]] = []

    def watched(folder: Path, *content: bytes) -> Path:
        names.append({file.name for file in (tmp_path / "runs").iterdir()})
        return write_partial(folder, *content)

    monkeypatch.setattr(netspec.runs.manifest, "write_partial", watched)
    network = abacus.network(tmp_path)
    with pytest.raises(Killed):
        train(network, "abacus", runs=tmp_path / "runs", progress=StoppedAtTheBeginning())
    assert names
    assert not any(name.startswith("regression") for seen in names for name in seen)


class Inspector(Silent):
    """Reads the folder whenever a training reports progress."""

    def __init__(self) -> None:
        self.after_epochs: list[tuple[set[str], int, int]] = []

    def begins(self, run, device, epoch, epochs):
        self._run = run
        self.at_the_beginning = self._look()

    def epoch_ends(self, record):
        self.after_epochs.append(self._look())

    def _look(self) -> tuple[set[str], int, int]:
        run = Run(self._run.path)  # what another process would see
        assert len(run.reference().outputs[0]) == 10  # which raises where the weights are others
        return names_of(run), run.checkpoint().epoch, len(run.history)


class StoppedAtTheBeginning(Silent):
    def begins(self, run, device, epoch, epochs):
        raise Killed


# Whole after every stop: killed before it writes a file of an epoch. Epoch 4 is the test,
# which changes only the metrics.


FOLLOWING = ["reference.safetensors", "weights.safetensors", "metrics.jsonl"]
DECIDING = ["manifest.json", "checkpoint.safetensors"]
STOPS = [(file, epoch) for file in (*DECIDING, *FOLLOWING) for epoch in (1, 2, 3)]
LAST_STOPS = [("checkpoint.safetensors", 4), ("metrics.jsonl", 4)]


def broken_run(monkeypatch, folder: Path, file: str, epoch: int) -> Run:
    """A run of three epochs that was killed before it wrote a file of this epoch."""
    checkpoints = 0
    replace = Path.replace

    def killed(partial: Path, path: Path) -> Path:
        nonlocal checkpoints
        if path.name == file and checkpoints == epoch + (file in FOLLOWING):
            raise Killed
        checkpoints += path.name == "checkpoint.safetensors"  # the first is from the beginning
        return replace(partial, path)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", killed)
        with pytest.raises(Killed):
            train(abacus.network(folder), "abacus", runs=folder / "runs")
    (run,) = in_order(folder / "runs")
    return run


@pytest.mark.parametrize(("file", "epoch"), STOPS)
def test_the_checkpoint_decides_which_epoch_a_killed_run_has_reached(
    on_abacus, tmp_path, monkeypatch, file, epoch
):
    run = broken_run(monkeypatch, tmp_path, file, epoch)
    assert run.checkpoint().epoch == (epoch if file in FOLLOWING else epoch - 1)


@pytest.mark.parametrize(("file", "epoch"), STOPS + LAST_STOPS)
def test_a_run_that_was_killed_as_it_wrote_ends_as_the_unbroken_one(
    on_abacus, tmp_path, monkeypatch, file, epoch
):
    run = broken_run(monkeypatch, tmp_path, file, epoch)
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", resume=True)
    whole = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "whole")
    ended, expected = Run(run.path), Run(whole.path)
    assert [content(ended, name) for name in FOLLOWING] == [
        content(expected, name) for name in FOLLOWING
    ]


@pytest.mark.parametrize(("file", "epoch"), STOPS)
def test_readers_of_a_killed_run_see_one_epoch_or_an_error(
    on_abacus, tmp_path, monkeypatch, file, epoch
):
    run = broken_run(monkeypatch, tmp_path, file, epoch)
    monkeypatch.setattr(netspec.runs.manifest, "PATIENCE", 0)
    if file in DECIDING:
        assert len(run.history) == epoch - 1
        assert run.result()[0]["dense.bias"].any() == (epoch > 1)
    else:
        with pytest.raises(RunError, match="are of two epochs: the run was stopped") as raised:
            run.result()
        assert "--resume" in raised.value.help


def test_what_a_killed_process_left_is_removed_when_the_run_goes_on(
    on_abacus, tmp_path, monkeypatch
):
    run = broken_run(monkeypatch, tmp_path, "weights.safetensors", 2)
    (run.path / ".run-0123456789abcdef.partial").write_bytes(b"the beginning of a file")
    train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs", resume=True)
    assert names_of(run) == FILES


def content(run: Run, file: str):
    """The content of a file, without its time."""
    if file == "metrics.jsonl":
        timed = ("seconds", "images_per_second")
        return [{k: v for k, v in line.items() if k not in timed} for line in run.history]
    return {key: value.tolist() for key, value in load_file(run.path / file).items()}


# Several runs in a folder.


def test_two_trainings_that_begin_at_once_get_a_folder_each(on_abacus, tmp_path, monkeypatch):
    network = abacus.network(tmp_path)
    others: list[Run] = []

    def interrupted(folder: Path, *content: bytes) -> Path:
        if not others:
            others.append(Run(Path()))
            others[0] = train(network, "abacus", runs=tmp_path / "runs")
        return write_partial(folder, *content)

    monkeypatch.setattr(netspec.runs.manifest, "write_partial", interrupted)
    run = train(network, "abacus", runs=tmp_path / "runs")
    assert run.path != others[0].path
    assert run.history[-1].keys() == others[0].history[-1].keys()


def test_what_a_killed_beginning_left_behind_does_not_stop_the_next(
    on_abacus, tmp_path, monkeypatch
):
    def killed(folder: Path, *content: bytes) -> Path:
        write_partial(folder, *content)
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(netspec.runs.manifest, "write_partial", killed)
        with pytest.raises(Killed):
            train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert names_of(run) == FILES


def test_a_folder_that_only_has_the_name_of_a_run_is_left_alone(on_abacus, tmp_path):
    (tmp_path / "runs/regression-abacus-1").mkdir(parents=True)
    (tmp_path / "runs/regression-abacus-1/notes.txt").write_text("mine", "utf-8")
    run = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    assert run.path.name == "regression-abacus-2"


@pytest.fixture
def three_runs(on_abacus, tmp_path) -> list[Run]:
    network = abacus.network(tmp_path)
    return [train(network, "abacus", runs=tmp_path / "runs") for _ in range(3)]


def test_the_newest_run_is_the_one_that_was_created_last(three_runs):
    # Neither the number in the name nor the time of the last change may decide.
    oldest, _, newest = map(without_manifest, three_runs)
    first, last = (
        json.loads((run.path / "run.json").read_text("utf-8")) for run in (oldest, newest)
    )
    (oldest.path / "run.json").write_text(json.dumps(first | {"created": last["created"]}), "utf-8")
    (newest.path / "run.json").write_text(json.dumps(last | {"created": first["created"]}), "utf-8")
    os.utime(newest.path / "run.json", (2**32, 2**32))
    assert find(oldest.path.parent).path == oldest.path


def test_a_run_is_found_by_its_path(three_runs):
    first, *_ = three_runs
    assert find(Path("no_runs"), first.path).path == first.path


def test_a_run_is_found_by_its_name(three_runs):
    first, *_ = three_runs
    assert find(first.path.parent, Path(first.path.name)).path == first.path


def test_a_run_that_is_not_there_is_answered_with_those_that_are(three_runs):
    folder = three_runs[0].path.parent
    with pytest.raises(RunError) as raised:
        find(folder, Path("regression-abacus-9"))
    assert "regression-abacus-1, regression-abacus-2 and regression-abacus-3" in raised.value.help


def test_where_there_is_no_run_the_help_says_how_to_train(tmp_path):
    with pytest.raises(RunError) as raised:
        find(tmp_path)
    assert "netspec train" in raised.value.help


@pytest.mark.parametrize("content", [b"", b"{", b"3", b"null", b"[]", b"{}", b"\xff", b'{"a": 1}'])
def test_what_is_no_whole_run_is_passed_over(three_runs, content):
    *_, newest = three_runs
    other = newest.path.with_name("zzz")
    other.mkdir()
    (other / "run.json").write_bytes(content)
    assert find(newest.path.parent).path == newest.path


def test_runs_cannot_be_written_into_a_file(on_abacus, tmp_path):
    (tmp_path / "runs").write_text("a file", encoding="utf-8")
    with pytest.raises(RunError, match="no run can be written in"):
        train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")


# Damage.


@pytest.fixture
def whole(on_abacus, tmp_path) -> Run:
    """A whole run that a test may damage, opened anew."""
    return Run(train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs").path)


def without_manifest(run: Run) -> Run:
    """The run as an older netspec wrote it."""
    (run.path / "manifest.json").unlink()
    return Run(run.path)


@pytest.fixture
def run(whole) -> Run:
    """A run of an older netspec, whose files have no hashes."""
    return without_manifest(whole)


@pytest.mark.parametrize(
    "content", [b"", b"{", b"3", b"null", b"[]", b"{}", b"\xff", b'{"backend": 3}']
)
def test_a_damaged_run_json_is_an_error_of_the_run(run, content):
    (run.path / "run.json").write_bytes(content)
    with pytest.raises(RunError, match=r"run\.json"):
        _ = run.backend


@pytest.mark.parametrize(
    "content",
    [b"", b"layers: [", b"netspec: 1\n", b"\xff", abacus.SPEC.replace("Flatten", "Flat").encode()],
)
def test_a_damaged_spec_is_an_error_of_the_run(run, content):
    (run.path / "spec.yaml").write_bytes(content)
    with pytest.raises(RunError, match=r"spec\.yaml"):
        _ = run.network


@pytest.mark.parametrize("content", [b"{", b"3\n", b"\xff"])
def test_damaged_metrics_are_an_error_of_the_run(run, content):
    (run.path / "metrics.jsonl").write_bytes(content)
    with pytest.raises(RunError, match=r"metrics\.jsonl"):
        _ = run.history


@pytest.mark.parametrize("name", ["run.json", "spec.yaml", "metrics.jsonl"])
def test_a_missing_file_is_an_error_of_the_run(run, name):
    (run.path / name).unlink()
    with pytest.raises(RunError, match=name):
        _ = run.backend, run.network, run.history


SAFETENSORS = {"checkpoint": RunError, "weights": WeightsError, "reference": WeightsError}
"""The files of tensors, and the error of each that cannot be read."""


def read(run: Run, name: str) -> None:
    {"checkpoint": run.checkpoint, "weights": run.weights, "reference": run.reference}[name]()


@pytest.mark.parametrize("name", SAFETENSORS)
def test_a_truncated_file_of_tensors_is_an_error(run, name):
    path = run.path / f"{name}.safetensors"
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(SAFETENSORS[name], match=f"{name}.safetensors cannot be read"):
        read(run, name)


@pytest.mark.parametrize("name", SAFETENSORS)
def test_a_missing_file_of_tensors_is_an_error_of_the_run(run, name):
    (run.path / f"{name}.safetensors").unlink()
    with pytest.raises(RunError, match=f"{name}.safetensors cannot be read: No such file"):
        read(run, name)


@pytest.mark.parametrize("name", SAFETENSORS)
def test_tensors_of_another_program_are_an_error(run, name):
    save_file({"a": np.zeros(3, np.float32)}, run.path / f"{name}.safetensors")
    with pytest.raises((RunError, WeightsError)):
        read(run, name)


@pytest.mark.parametrize("history", [None, "", "{", "3", '[{"epoch": 1}, 3]'])
def test_a_checkpoint_without_a_sound_history_is_an_error_of_the_run(run, history):
    path = run.path / "checkpoint.safetensors"
    tensors = load_file(path)
    metadata = {"format": CHECKPOINT_FORMAT} | ({} if history is None else {"history": history})
    save_file(tensors, path, metadata)
    with pytest.raises(RunError, match=r"checkpoint\.safetensors"):
        run.checkpoint()


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("inputs/0", lambda value: value[:3]),
        ("inputs/0", lambda value: value[0]),
        ("outputs/0", lambda value: value[:, :2]),
        ("outputs/0", lambda value: value.astype(np.float64)),
        ("outputs/0", lambda value: value[:0]),
    ],
)
def test_predictions_of_another_shape_are_an_error_of_the_run(run, name, change):
    path = run.path / "reference.safetensors"
    tensors = load_file(path)
    with safe_open(path, "numpy") as opened:
        metadata = opened.metadata()
    save_file(tensors | {name: np.ascontiguousarray(change(tensors[name]))}, path, metadata)
    with pytest.raises(RunError, match=r"reference\.safetensors is damaged"):
        run.result()


def without_loss(history):
    return [{"epoch": record["epoch"]} for record in history]


@pytest.mark.parametrize(
    "change",
    [
        without_loss,
        lambda history: history[1:],
        lambda history: history[::-1],
        lambda history: history + history[-1:],
    ],
    ids=["no loss", "an epoch less", "in another order", "two tests"],
)
def test_a_checkpoint_with_other_epochs_is_an_error_of_the_run(run, change):
    path = run.path / "checkpoint.safetensors"
    with safe_open(path, "numpy") as opened:
        metadata = opened.metadata()
    history = json.dumps(change(json.loads(metadata["history"])))
    save_file(load_file(path), path, metadata | {"history": history})
    with pytest.raises(RunError, match=r"checkpoint\.safetensors is damaged"):
        run.checkpoint()
