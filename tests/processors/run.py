"""Runs tests once for every setting of the processor, and prints a table: `make processors`.

Without arguments it runs conformance, training and quantization. Arguments are passed on to pytest
instead: `run.py tests/conformance/test_layers.py -k Dense`.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path[:0] = [str(TESTS), str(TESTS / "support")]

from processors.settings import SETTINGS, Setting, environment_of  # noqa: E402 - from the folder above

SELECTION = (
    "tests/conformance",
    "tests/keras_backend",
    "tests/onnx_backend/test_quantization.py",
    "tests/onnx_backend/test_saturation.py",
    "tests/properties/test_found.py",
)

EMULATED = "tests/processors/test_emulated.py"

ROW = "{:<58} {:>7} {:>7} {:>8}"


@dataclass(frozen=True)
class Outcome:
    """How the tests ended under a setting."""

    passed: int
    failed: int
    seconds: float


def run_tests(setting: Setting | None, arguments: Sequence[str], processes: int = 2) -> Outcome:
    """Run pytest in a process with a setting. It writes to this process's output."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = [f"--numprocesses={processes}", "--quiet", f"--junit-xml={report}"]
        command = [sys.executable, "-m", "pytest", *options, *arguments]
        environment = environment_of(setting) | {"OMP_NUM_THREADS": "1"}
        process = subprocess.run(command, cwd=TESTS.parent, env=environment, check=False)
        if not report.exists():
            return Outcome(0, 1, 0)
        outcome = read_report(report)
    # A nonzero status without a failed test is also a failure: no tests, or a crash.
    if process.returncode != 0 and outcome.failed == 0:
        return replace(outcome, failed=1)
    return outcome


def read_report(path: Path) -> Outcome:
    """The counts of pytest's report, without skipped tests and expected failures."""
    suites = list(ET.parse(path).getroot().iter("testsuite"))
    total, skipped, failed = (
        sum(int(suite.get(name, "0")) for suite in suites for name in names)
        for names in (("tests",), ("skipped",), ("failures", "errors"))
    )
    seconds = sum(float(suite.get("time", "0")) for suite in suites)
    return Outcome(total - skipped - failed, failed, seconds)


def reason_to_skip_emulation() -> str | None:
    """The reason why int8 files cannot run on an emulated processor here, or None."""
    return None if shutil.which("qemu-x86_64") else "not installed (apt-get install qemu-user)"


def main(arguments: Sequence[str]) -> int:
    """Run everything, and return the status of the process."""
    rows: list[str] = []
    failures = 0
    runs = [
        (str(setting), setting, setting.reason_to_skip, arguments or SELECTION)
        for setting in SETTINGS
    ]
    if not arguments:
        reason = reason_to_skip_emulation()
        runs.append(("qemu-x86_64 -cpu Haswell", None, reason, (EMULATED,)))
    for name, setting, reason, tests in runs:
        if reason is not None:
            rows.append(f"{name:<58} skipped: {reason}")
            continue
        print(f"\n{name}", flush=True)
        outcome = run_tests(setting, tests)
        failures += outcome.failed
        counts = (outcome.passed, outcome.failed, f"{outcome.seconds:.0f}")
        rows.append(ROW.format(name, *counts))
    print("", ROW.format("setting", "passed", "failed", "seconds"), *rows, sep="\n")
    return int(failures > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
