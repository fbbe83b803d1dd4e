"""Forms in separate processes: the measurements, and failures that do not affect other forms."""

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

    count = 0

    def shows(self, doing: str) -> None: ...

    def advances(self) -> None:
        self.count += 1


@pytest.fixture(scope="module")
def progress() -> Steps:
    return Steps()


@pytest.fixture(scope="module")
def rows(scripted, network, progress) -> dict[tuple[str, int], Row]:
    """The scripted forms, each at three batch sizes."""
    chosen, _ = forms.chosen(NAMES)
    measurements = measure(of_spec(network, max(SIZES)), chosen, SIZES, 0.02, "cpu", progress)
    assert [(row.batch_size, row.form.name) for row in measurements] == [
        (size, name) for size in sorted(SIZES) for name in NAMES
    ]
    return {(row.form.name, row.batch_size): row for row in measurements}


def test_the_rates_follow_from_the_calls(rows):
    figures = rows["exact", 3].result
    assert len(figures.seconds) >= ROUNDS
    assert figures.images_per_second == 3 * len(figures.seconds) / sum(figures.seconds)


def test_a_form_receives_the_requested_device(rows):
    assert rows["exact", 1].device == "abacus on the requested device: cpu"


@pytest.mark.parametrize("size", SIZES)
def test_differences_are_from_the_first_form(rows, size):
    assert rows["exact", size].result.difference == 0
    assert rows["off", size].result.difference == pytest.approx(0.25, abs=1e-6)


def test_a_failed_batch_size_does_not_stop_others(rows):
    assert rows["faulty", 2].result == "RuntimeError: no kernel for this batch"
    assert isinstance(rows["faulty", 1].result, Figures)
    assert isinstance(rows["faulty", 3].result, Figures)


@pytest.mark.parametrize("size", SIZES)
def test_an_ended_process_reports_its_exit_status(rows, size):
    assert rows["ending", size].result == "its process ended with status 3: out of luck"


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such signals")
def test_a_killed_process_reports_its_signal(rows):
    assert rows["killed", 1].result == "its process was killed by SIGKILL"


@pytest.mark.parametrize("size", SIZES)
def test_a_refused_form_shows_the_reason(rows, size):
    assert rows["refusing", size].result == "there is no abacus in this machine"


def test_all_steps_of_progress_are_done(rows, progress):
    assert progress.count == steps(len(NAMES), len(SIZES))


def test_a_slow_form_stops_when_time_is_over(scripted, network, monkeypatch):
    turns = []
    ask_worker = Worker.ask

    def ask(worker: Worker, **request: object) -> dict[str, object]:
        if "turn" not in request:
            return ask_worker(worker, **request)
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
def test_peak_memory_does_not_include_the_parent():
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


def test_forms_of_missing_frameworks_are_reported(scripted):
    chosen, lines = forms.chosen(["absent", "exact"])
    assert [form.name for form in chosen] == ["exact"]
    message = "the absent backend needs no_such_framework, which is not installed"
    assert lines == [f"Absent is left out: {message}"]


def test_no_installed_framework_is_an_error(scripted):
    with pytest.raises(BackendError, match="needs no_such_framework"):
        forms.chosen(["absent"])


def test_frameworks_come_before_files():
    names = ["keras", "torch", "torch-compiled", "onnx", "onnx-fp16", "onnx-int8"]
    assert [name for name in forms.known() if name in names] == names
