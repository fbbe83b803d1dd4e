"""The program of `make gpu`: what it installs, its limits, and the order of its parts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from gpu import run, wheels


def part(code: str) -> run.Part:
    return run.Part("tested", 10, (sys.executable, "-c", code))


@pytest.mark.parametrize(
    ("code", "outcome"), [("", "done"), ("raise SystemExit(3)", "failed with status 3")]
)
def test_a_part_reports_its_status(code, outcome):
    assert run.run(part(code), 30, {}) == outcome


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")
@pytest.mark.parametrize("first", ["", "signal.signal(signal.SIGINT, signal.SIG_IGN); "])
def test_a_part_that_takes_too_long_is_stopped(first, monkeypatch):
    monkeypatch.setattr(run, "FINISH", 0.1)
    code = f"import signal\n{first}\nwhile True: signal.pause()"
    assert run.run(part(code), 0.1, {}) == "stopped after 0 s"


def test_all_parts_begin_within_nine_minutes():
    assert run.TOTAL + run.FINISH < 9 * 60
    names = [part.name for part in run.parts(Path("results"), rehearse=False)]
    assert names[:3] == ["backends", "tests", "tests"]


def test_the_checkout_comes_before_installed_packages(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/machine")
    variables = run.environment(rehearse=True)
    folders = variables["PYTHONPATH"].split(":")
    assert folders == [str(run.ROOT), str(run.ROOT / "backends"), str(run.SITE), "/machine"]
    assert variables["CUDA_VISIBLE_DEVICES"] == ""


def test_installed_distributions_are_recognized():
    assert run.is_installed("numpy")
    assert run.is_installed(run.canonical("typing_extensions"))
    assert not run.is_installed("no-such-distribution")


def test_every_carried_package_has_a_pinned_version():
    names = [wheels.canonical(line.partition("==")[0]) for line in wheels.read_pins()]
    assert names == list(wheels.PACKAGES)
