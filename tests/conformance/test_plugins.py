"""Backends of third parties, installed, are checked by the conformance tests that netspec installs."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from netspec.testing.cases import ALL, CASES
from netspec.testing.checks import layers_of
from netspec.testing.networks import of_case

ROOT = Path(__file__).parents[2]
STUB = Path(__file__).parent / "plugin"
REFERENCE = ROOT / "tests/reference"

TESTS = """

class TestStub(BackendTests):
    backend = "stub"

class TestClosed(BackendTests):
    backend = "closed"

class TestSilent(BackendTests):
    backend = "silent"

class TestAbsent(BackendTests):
    backend = "mumpy"
"""
CHOSEN = (
    "((TestNumpy and not (test_outputs and not Dense)) or TestStub or declared"
    " or (TestClosed and outputs and Flatten)) and not (gradients and not Flatten)"
)
"""The table's column of the NumPy backend is in test_layers. Here some cases show that it is found."""


@dataclass(frozen=True)
class Result:
    """The outcome of a test, and why it did not pass."""

    outcome: str
    reason: str = ""


Results = dict[str, dict[str, Result]]
"""The results by the class and the name of the test."""


def run(folder: Path, site: Path, *arguments: str) -> None:
    """Run Python where the plug-ins are installed, without plug-ins of pytest."""
    folders = (site, STUB, ROOT, ROOT / "backends")
    path = os.pathsep.join(map(str, folders))
    environment = {**os.environ, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, check=False, capture_output=True
    )


def result_of(case: ET.Element) -> Result:
    """The result of a test in a report in JUnit's format."""
    for child in case:
        if child.tag in ("failure", "error"):
            return Result(child.tag, child.attrib["message"])
        if child.tag == "skipped":
            return Result(child.attrib["type"].removeprefix("pytest."), child.attrib["message"])
    return Result("passed")


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    """The folder into which pip installs the NumPy backend."""
    folder = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    run(folder, folder, "-m", "pip", "install", *options, "--target", ".", str(REFERENCE))
    return folder


@pytest.fixture(scope="module")
def results(site, tmp_path_factory) -> Results:
    """The results of the tests of the reference backend, and of the tests of the stubs."""
    folder = tmp_path_factory.mktemp("plugins")
    tests = (REFERENCE / "test_conformance.py").read_text(encoding="utf-8")
    (folder / "test_plugins.py").write_text(tests + TESTS, encoding="utf-8")
    run(folder, site, "-m", "pytest", "-q", "--junitxml=report.xml", "-k", CHOSEN)
    by_class: Results = defaultdict(dict)
    for case in ET.parse(folder / "report.xml").iter("testcase"):
        name = case.attrib["classname"].rpartition(".")[2]
        by_class[name][case.attrib["name"]] = result_of(case)
    return by_class


def test_installed_reference_backend_passes(results):
    outcomes = [result.outcome for result in results["TestNumpy"].values()]
    reasons = {result.reason for result in results["TestNumpy"].values() if result.reason}

    assert outcomes.count("passed") > len(CASES["Dense"])
    assert {*outcomes} == {"passed", "skip"}
    assert reasons == {
        "numpy declares no gradients",
        "numpy does not train",
        "numpy exports no files",
    }


def test_cases_of_a_small_backend_pass_or_have_a_named_gap(results):
    stub = results["TestStub"]
    assert {result.outcome for result in stub.values()} == {"passed", "xfail", "skip"}
    for case in ALL:
        result = stub[f"test_outputs[{case}]"]
        missing = [tag for tag in layers_of(of_case(case)) if tag not in ("Dense", "Flatten")]
        if missing:
            assert result == Result("xfail", f"stub has no {missing[0]}")
        else:
            assert result in (Result("passed"), Result("xfail", "only relu is there"))


def test_small_backend_passes_the_cases_of_its_layers(results):
    for case in CASES["Flatten"]:
        assert results["TestStub"][f"test_outputs[{case}]"] == Result("passed")


def test_closed_gap_fails(results):
    (case, *_) = CASES["Flatten"]
    result = results["TestClosed"][f"test_outputs[{case}]"]
    assert result.outcome == "failure"
    assert "XPASS(strict)] not yet" in result.reason


@pytest.mark.parametrize(
    ("tests", "message"),
    [
        ("TestSilent", "the silent backend has no method declaration"),
        ("TestAbsent", "there is no backend named 'mumpy'"),
    ],
)
def test_backend_that_cannot_be_tested_is_named(results, tests, message):
    result = results[tests]["test_declared_names_exist"]
    assert result.outcome == "failure"
    assert message in result.reason


def test_contributing_shows_the_file_of_tests():
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    lines = (REFERENCE / "test_conformance.py").read_text(encoding="utf-8").splitlines()
    shown = "\n".join(line.strip() for line in text.splitlines()).replace("Mine", "Numpy")
    for line in lines[lines.index("from netspec.testing.suite import BackendTests") :]:
        assert line.strip().replace("numpy", "mine") in shown.replace("numpy", "mine")
