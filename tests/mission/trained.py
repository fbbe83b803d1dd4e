"""Checks of a run, for all mission tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.font_manager import findfont
from PIL import Image, ImageDraw, ImageFont

import netspec
from frameworks import require
from netspec.backend import find
from netspec.data import load
from netspec.runs.folder import Run


def check_evaluations(run: Run) -> None:
    """The record of a run, the other backend and ONNX report the same test results."""
    record = run.history[-1]
    for backend in ("keras", "torch", "onnx"):
        require(backend)
        metrics = netspec.evaluate(run, backend, "cpu").figures
        assert metrics["test_accuracy"] == record["test_accuracy"], backend
        assert metrics["test_loss"] == pytest.approx(record["test_loss"], rel=1e-5), backend


def check_onnx_classes(run: Run) -> None:
    """ONNX predicts the class of the run's backend for every test image."""
    require("onnx")
    (inputs,) = load(run.network).test.values()
    outputs, onnx_outputs = (
        find(backend).predictor(run.network, run.weights(), "cpu").predict(inputs)
        for backend in (run.backend, "onnx")
    )
    assert np.abs(outputs - onnx_outputs).max() < 1e-5
    # Rounding could change the class only in a tie; these images have no tie.
    np.testing.assert_array_equal(outputs.argmax(-1), onnx_outputs.argmax(-1))


def check_printed_digits(run: Run, folder: Path) -> None:
    """Ten printed digits, black on white, of different sizes and places, are recognized."""
    require("onnx")
    places = [(2, 2), (130, 5), (10, 90), (60, 40), (100, 100), (5, 60), (90, 3), (50, 80)]
    images = []
    for digit in range(10):
        image = Image.new("L", (240, 200), "white")
        font = ImageFont.truetype(findfont("DejaVu Sans"), 24 + 8 * digit)
        ImageDraw.Draw(image).text(places[digit % 8], str(digit), fill="black", font=font)
        image.save(folder / f"{digit}.png")
        images.append(folder / f"{digit}.png")
    predictions = netspec.predict(run, images)
    assert [prediction.label for prediction in predictions] == [str(digit) for digit in range(10)]
    assert all(
        "dark ink on light paper was inverted" in prediction.notes[0] for prediction in predictions
    )
