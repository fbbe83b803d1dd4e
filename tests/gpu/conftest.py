"""The marker of the GPU tests, and a line of JSON for every result."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

LINES = "NETSPEC_GPU_TESTS"
"""The environment variable that names the file of the lines."""


def pytest_collection_modifyitems(items):
    folder = Path(__file__).parent
    for item in items:
        if folder in item.path.parents:
            item.add_marker(pytest.mark.gpu)


def pytest_runtest_logreport(report):
    """Write a result immediately, so that an interruption loses none."""
    path = os.environ.get(LINES)
    if path is None or (report.when != "call" and report.passed):
        return
    crash = getattr(report.longrepr, "reprcrash", None)
    reason = crash.message if crash else str(report.longrepr or "")
    if report.skipped and isinstance(report.longrepr, tuple):
        reason = report.longrepr[2].removeprefix("Skipped: ")
    line = {
        "test": report.nodeid,
        "outcome": report.outcome,
        "seconds": round(report.duration, 3),
        "reason": reason.partition("\n")[0][:300],
    }
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")
