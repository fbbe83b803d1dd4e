"""What the mission tests check of a run, whichever spec it was trained from."""

from __future__ import annotations

import numpy as np
import pytest

import netspec
from frameworks import require
from netspec.backend import find
from netspec.data import load
from netspec.runs.folder import Run


def check_evaluations(run: Run) -> None:
    """The record of a run, the other backend and ONNX report the same test results."""
    recorded = run.history[-1]
    for backend in ("keras", "torch", "onnx"):
        require(backend)
        evaluated = netspec.evaluate(run, backend, "cpu").figures
        assert evaluated["test_accuracy"] == recorded["test_accuracy"], backend
        assert evaluated["test_loss"] == pytest.approx(recorded["test_loss"], rel=1e-5), backend


def check_onnx_classes(run: Run) -> None:
    """ONNX gives the class of the run's backend for every test image."""
    require("onnx")
    (inputs,) = load(run.network).test.values()
    own, onnx = (
        find(backend).predictor(run.network, run.weights(), "cpu").predict(inputs)
        for backend in (run.backend, "onnx")
    )
    assert np.abs(own - onnx).max() < 1e-5
    # A tie closer than the tolerance would be a matter of rounding; there is none among these.
    np.testing.assert_array_equal(own.argmax(-1), onnx.argmax(-1))
