"""Backends of third parties, installed, are checked by the conformance tests that netspec installs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from netspec.testing.cases import ALL, CASES
from netspec.testing.checks import layers_of
from netspec.testing.networks import of_case

PYTEST = ("-m", "pytest", "-q", "-n", "0", "--junitxml=report.xml")

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "plugin"
REFERENCE = ROOT / "tests/reference"

TESTS = """\
from netspec.testing.suite import BackendTests

class TestBackend(BackendTests):
    backend = "{name}"
"""


@dataclass(frozen=True)
class Report:
    """The outcome of every test by its name, and the reasons of those that did not pass."""

    outcomes: dict[str, str]
    reasons: dict[str, str]

    def named(self, outcome: str) -> set[str]:
        return {name for name, other in self.outcomes.items() if other == outcome}


def run(folder: Path, site: Path, *arguments: str) -> None:
    """Run Python where the plug-ins are installed."""
    folders = (site, STUB, ROOT, ROOT / "backends")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=False, capture_output=True
    )


def run_tests(folder: Path, site: Path, tests: str, *options: str) -> Report:
    """Run a file of tests in an empty folder, as the author of a backend does."""
    (folder / "test_backend.py").write_text(tests, encoding="utf-8")
    run(
        folder,
        site,
        *PYTEST,
        *options,
    )
    outcomes, reasons = {}, {}
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        name = case.attrib["name"]
        outcomes[name], reasons[name] = "passed", ""
        for child in case:
            if child.tag in ("failure", "error", "skipped"):
                outcomes[name] = child.attrib.get("type", child.tag).removeprefix("pytest.")
                outcomes[name] = child.tag if child.tag != "skipped" else outcomes[name]
                reasons[name] = child.attrib["message"]
    return Report(outcomes, reasons)


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder into which pip installs the NumPy backend."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run(folder, folder, "-m", "pip", "install", *options, "--target", ".", str(REFERENCE))
    return folder


@pytest.fixture(scope="module")
def stub(site, tmp_path_factory) -> Report:
    return run_tests(tmp_path_factory.mktemp("stub"), site, TESTS.format(name="stub"))


def test_installed_reference_backend_passes(site, tmp_path):
    tests = (REFERENCE / "test_conformance.py").read_text(encoding="utf-8")

    report = run_tests(tmp_path, site, tests)

    counts = Counter(report.outcomes.values())
    assert counts["passed"] > len(ALL)
    assert counts.keys() == {"passed", "skip"}
    assert {reason for reason in report.reasons.values() if reason} == {
        "numpy declares no gradients",
        "numpy does not train",
        "numpy exports no files",
    }


def test_cases_of_a_small_backend_pass_or_have_a_named_gap(stub):
    assert {*stub.outcomes.values()} == {"passed", "xfail", "skip"}
    for case in ALL:
        name = f"test_outputs[{case}]"
        missing = [tag for tag in layers_of(of_case(case)) if tag not in ("Dense", "Flatten")]
        if missing:
            assert stub.outcomes[name] == "xfail"
            assert stub.reasons[name] == f"stub has no {missing[0]}"
        elif stub.outcomes[name] != "passed":
            assert stub.reasons[name] == "only relu is there"


def test_small_backend_passes_the_cases_of_its_layers(stub):
    for case in CASES["Flatten"]:
        assert stub.outcomes[f"test_outputs[{case}]"] == "passed"


def test_closed_gap_fails(site, tmp_path):
    report = run_tests(tmp_path, site, TESTS.format(name="closed"), "-k", "outputs and Flatten")

    (case, *_) = CASES["Flatten"]
    name = f"test_outputs[{case}]"
    assert report.outcomes[name] == "failure"
    assert "XPASS(strict)] not yet" in report.reasons[name]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("silent", "the silent backend has no method declaration"),
        ("mumpy", "there is no backend named 'mumpy'"),
    ],
)
def test_backend_that_cannot_be_tested_is_named(site, tmp_path, name, message):
    report = run_tests(tmp_path, site, TESTS.format(name=name), "-k", "declared")

    assert {*report.outcomes.values()} == {"failure"}
    assert message in report.reasons["test_declared_names_exist"]
