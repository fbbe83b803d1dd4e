"""Fixtures for the tests of measurements: backends with predictable forms, and a network."""

from __future__ import annotations

from pathlib import Path

import pytest

from netspec.network import Network, loads

PLUGIN = Path(__file__).parent / "plugin"

SPEC = """\
netspec: 1
name: regression
input: [2, 2, 1]
layers:
  - Flatten
  - Dense: {units: 3, activation: softmax}
"""


@pytest.fixture(scope="module")
def scripted():
    """Install the scripted backends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(PLUGIN))
        yield


@pytest.fixture(scope="session")
def network() -> Network:
    return loads(SPEC)


@pytest.fixture
def spec(tmp_path) -> Path:
    path = tmp_path / "regression.yaml"
    path.write_text(SPEC, encoding="utf-8")
    return path
