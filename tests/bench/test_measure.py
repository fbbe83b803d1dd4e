"""Forms in separate processes: the measurements, and how one fails without the others."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from netspec.bench import forms
from netspec.bench.measure import ROUNDS, Figures, Row, measure, steps
from netspec.bench.subject import of_spec
from netspec.bench.worker import Worker
from netspec.text.diagnostics import BackendError

NAMES = ["exact", "off", "faulty", "ending", "killed", "refusing"]
SIZES = (3, 1, 2)


class Steps:
    """Progress that counts."""

    steps_done = 0

    def shows(self, doing: str) -> None: ...

    def advances(self) -> None:
        self.done += 1


@pytest.fixture(scope="module")
def progress() -> Steps:
    return Steps()


@pytest.fixture(scope="module")
def rows(scripted, network, progress) -> dict[tuple[str, int], Row]:
    """The scripted forms, each at three batch sizes."""
    chosen, _ = forms.chosen(NAMES)
    measured = measure(of_spec(network, max(SIZES)), chosen, SIZES, 0.02, "cpu", progress)
    assert [(row.batch_size, row.form.name) for row in measured] == [
        (size, name) for size in sorted(SIZES) for name in NAMES
    ]
    return {(row.form.name, row.batch_size): row for row in measured}


def test_the_rates_follow_from_the_calls(rows):
    figures = rows["exact", 3].result
    assert len(figures.seconds) >= ROUNDS
    assert figures.images_per_second == 3 * len(figures.seconds) / sum(figures.seconds)


def test_the_device_is_told_what_was_asked_for(rows):
    assert rows["exact", 1].device == "abacus as asked: cpu"


@pytest.mark.parametrize("size", SIZES)
def test_the_first_form_is_what_the_others_differ_from(rows, size):
    assert rows["exact", size].result.difference == 0
    assert rows["off", size].result.difference == pytest.approx(0.25, abs=1e-6)


def test_a_form_that_fails_at_a_batch_size_is_measured_at_the_others(rows):
    assert rows["faulty", 2].result == "RuntimeError: no kernel for this batch"
    assert isinstance(rows["faulty", 1].result, Figures)
    assert isinstance(rows["faulty", 3].result, Figures)


@pytest.mark.parametrize("size", SIZES)
def test_a_form_whose_process_ends_says_how_at_every_size(rows, size):
    assert rows["ending", size].result == "its process ended with status 3: out of luck"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_form_whose_process_is_killed_names_the_signal(rows):
    assert rows["killed", 1].result == "its process was killed by SIGKILL"


@pytest.mark.parametrize("size", SIZES)
def test_a_form_that_its_backend_refuses_shows_the_reason(rows, size):
    assert rows["refusing", size].result == "there is no abacus in this machine"


def test_all_steps_of_progress_are_done(rows, progress):
    assert progress.done == steps(len(NAMES), len(SIZES))


def test_a_slow_form_is_called_once_a_turn_and_has_no_turn_when_its_time_is_over(
    scripted, network, monkeypatch
):
    turns = []
    kept = Worker.ask

    def ask(worker: Worker, **request: object) -> dict[str, object]:
        if "turn" not in request:
            return kept(worker, **request)
        turns.append(request["turn"])
        return {"seconds": [5.0], "peak": 1}

    monkeypatch.setattr(Worker, "ask", ask)
    chosen, _ = forms.chosen(["exact"])
    (row,) = measure(of_spec(network, 1), chosen, [1], 2.0, "cpu", Steps())
    assert turns == [2.0 / ROUNDS]
    assert row.result.images_per_second == 1 / 5


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_an_interrupt_leaves_no_process(scripted, network, monkeypatch):
    pids = []

    def ask(worker: Worker, **request: object) -> dict[str, object]:
        pids.append(worker._process.pid)
        raise KeyboardInterrupt

    monkeypatch.setattr(Worker, "ask", ask)
    chosen, _ = forms.chosen(["exact"])
    with pytest.raises(KeyboardInterrupt):
        measure(of_spec(network, 1), chosen, [1], 1.0, "cpu", Steps())
    with pytest.raises(ProcessLookupError):
        os.kill(pids[0], 0)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows does not report it")
def test_the_peak_is_the_process_own_whatever_started_it():
    ballast = np.ones(16 << 20)  # 128 MiB, which its child's ru_maxrss would begin with on Linux
    program = (
        "from netspec.bench.machine import peak_memory as peak\n"
        "before = peak()\n"
        "taken = b'1' * (96 << 20)\n"
        "print(before, peak() - before)"
    )
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    before, more = map(int, process.stdout.split())
    assert before < ballast.nbytes
    assert more == pytest.approx(96 << 20, rel=0.1)


def test_a_form_whose_framework_is_missing_is_left_out_with_a_line(scripted):
    chosen, lines = forms.chosen(["absent", "exact"])
    assert [form.name for form in chosen] == ["exact"]
    message = "the absent backend needs no_such_framework, which is not installed"
    assert lines == [f"Absent is left out: {message}"]


def test_without_any_framework_there_is_nothing_to_measure(scripted):
    with pytest.raises(BackendError, match="needs no_such_framework"):
        forms.chosen(["absent"])


def test_the_forms_of_frameworks_come_before_those_of_files():
    known = ["keras", "torch", "torch-compiled", "onnx", "onnx-fp16", "onnx-int8"]
    assert [name for name in forms.known() if name in known] == known
