"""Damage in any file of a run is noticed, and readers see files of one moment."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import abacus
import netspec.runs.manifest
from netspec.runs.folder import Run, find
from netspec.runs.manifest import FORMAT, MANIFEST, read_files, read_manifest, replace_files
from netspec.runs.training import Silent, train
from netspec.text.diagnostics import RunError

FILES = (
    "spec.yaml",
    "model.py",
    "run.json",
    "checkpoint.safetensors",
    "weights.safetensors",
    "reference.safetensors",
    "metrics.jsonl",
    MANIFEST,
)
FLIPS = 40
"""How many bits of every file are flipped, one at a time."""


@pytest.fixture
def run(on_abacus, tmp_path) -> Run:
    return train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")


def resume(run: Run) -> None:
    network = abacus.network(run.path.parents[1], {"epochs: 3": "epochs: 4"})
    train(network, "abacus", runs=run.path.parent, resume=True)


READERS = {
    "weights": lambda run: run.weights(),
    "result": lambda run: run.result(),
    "history": lambda run: run.history,
    "resume": resume,
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FILES)
def test_every_reader_notices_a_flipped_bit(run, name, reader):
    path = run.path / name
    content = path.read_bytes()
    drawn = random.Random(name)
    bits = [0, 8 * len(content) - 1, *(drawn.randrange(8 * len(content)) for _ in range(FLIPS))]
    unnoticed = []
    for bit in bits:
        damaged = bytearray(content)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        try:
            READERS[reader](Run(run.path))
            unnoticed.append(bit)
        except RunError:
            pass
    assert unnoticed == []


def test_damage_is_told_with_the_file_and_what_to_do(run):
    (run.path / "model.py").write_text("print()\n", encoding="utf-8")
    with pytest.raises(RunError, match=r"model\.py is damaged: it is not what netspec") as raised:
        run.weights()
    assert raised.value.help == "copy the run again, or train again"


def test_a_missing_file_is_told(run):
    (run.path / "model.py").unlink()
    with pytest.raises(RunError, match=r"model\.py cannot be read: No such file"):
        run.weights()


def test_a_damaged_run_is_not_passed_over_for_an_older_one(run, on_abacus, tmp_path):
    newest = train(abacus.network(tmp_path), "abacus", runs=tmp_path / "runs")
    (newest.path / "run.json").write_bytes(b"{}")
    with pytest.raises(RunError, match=rf"{newest.path.name}/run\.json is damaged"):
        find(tmp_path / "runs")
    assert find(tmp_path / "runs", run.path).weights()


def test_files_that_are_no_part_of_the_run_may_change(run):
    (run.path / "model.onnx").write_bytes(b"an export")
    (run.path / "notes.txt").write_bytes(b"mine")
    assert run.weights()


def test_a_run_without_hashes_is_read_and_says_so(run):
    (run.path / MANIFEST).unlink()
    (run.path / "model.py").write_text("print()\n", encoding="utf-8")
    assert Run(run.path).weights()
    (remark,) = Run(run.path).remarks
    assert "has no manifest.json: an older netspec wrote it" in remark


def test_a_run_without_hashes_has_them_after_it_went_on(run):
    (run.path / MANIFEST).unlink()
    remarks = []

    class Listening(Silent):
        def remarks(self, text):
            remarks.append(text)

    network = abacus.network(run.path.parents[1], {"epochs: 3": "epochs: 4"})
    train(network, "abacus", runs=run.path.parent, resume=True, progress=Listening())
    assert "from now on it has hashes" in remarks[0]
    manifest = read_manifest(run.path)
    assert manifest is not None
    assert {*manifest.files} == {*FILES} - {MANIFEST}


def test_a_manifest_of_another_version_is_refused(run):
    path = run.path / MANIFEST
    path.write_text(path.read_text("utf-8").replace(FORMAT, "netspec-manifest-9"), "utf-8")
    with pytest.raises(RunError, match="is a netspec-manifest-9, not a netspec-manifest-1"):
        run.weights()


# Files that are replaced while they are read.


def replace_again_and_again(folder: Path, stop: threading.Event) -> int:
    count = 0
    while not stop.is_set():
        count += 1
        replace_files(folder, {name: b"%d" % count for name in ("a", "b", "c")})
    return count


def test_readers_see_files_of_one_moment_while_they_are_replaced(tmp_path):
    replace_files(tmp_path, dict.fromkeys(("a", "b", "c"), b"0"))
    stop = threading.Event()
    writer = threading.Thread(target=replace_again_and_again, args=(tmp_path, stop))
    writer.start()
    try:
        seen = [read_files(tmp_path, ("a", "b", "c")) for _ in range(200)]
    finally:
        stop.set()
        writer.join()
    assert all(len({*files.values()}) == 1 for files in seen)
    assert len({files["a"] for files in seen}) > 1


def test_files_of_two_moments_are_an_error_that_names_the_remedy(tmp_path, monkeypatch):
    monkeypatch.setattr(netspec.runs.manifest, "PATIENCE", 0)
    replace_files(tmp_path, {"a": b"0", "b": b"0"})
    old = (tmp_path / "b").read_bytes()
    replace_files(tmp_path, {"a": b"1", "b": b"1"})
    (tmp_path / "b").write_bytes(old)  # as a killed process leaves it
    with pytest.raises(RunError, match="are of two epochs") as raised:
        read_files(tmp_path, ("a",))
    assert "--resume" in raised.value.help


# One process at a time.


HOLDING = """\
import sys
from pathlib import Path
from netspec.runs.lock import locked

with locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def holding(run):
    """A process that holds the lock of a run."""
    command = [sys.executable, "-c", HOLDING, str(run.path)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) as process:
        assert process.stdout.readline() == "locked\n"
        yield process
        process.kill()


def test_a_run_that_is_trained_is_not_resumed_and_says_by_whom(run, holding):
    with pytest.raises(RunError, match=f"is being trained by process {holding.pid} on ") as raised:
        resume(run)
    assert "wait for its end" in raised.value.help


def test_a_run_that_is_trained_is_read(run, holding):
    assert run.weights()


def test_the_lock_ends_with_a_killed_process(run, holding):
    holding.kill()
    holding.wait()
    resume(run)
    assert Run(run.path).checkpoint().epoch == 4


def test_a_run_is_locked_while_it_is_trained_for_the_first_time(on_abacus, tmp_path):
    network = abacus.network(tmp_path)
    refused = []

    class Resuming(Silent):
        def epoch_ends(self, record):
            with pytest.raises(RunError, match="is being trained by process") as raised:
                train(network, "abacus", runs=tmp_path / "runs", resume=True)
            refused.append(raised)

    train(network, "abacus", runs=tmp_path / "runs", progress=Resuming())
    assert len(refused) == 3
