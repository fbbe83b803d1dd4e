"""The examples in docstrings of the core are as they read."""

from __future__ import annotations

import doctest
from importlib import import_module
from pathlib import Path

import pytest

import netspec

ROOT = Path(netspec.__file__).parent
MODULES = [
    ".".join(("netspec", *path.relative_to(ROOT).with_suffix("").parts))
    for path in sorted(ROOT.rglob("*.py"))
    if "    >>> " in path.read_text(encoding="utf-8") and "+SKIP" not in path.read_text("utf-8")
]


@pytest.mark.parametrize("module", MODULES)
def test_the_examples_of_a_module(module: str) -> None:
    outcome = doctest.testmod(import_module(module))
    assert outcome.attempted
    assert not outcome.failed
