"""A run as an ONNX file that predicts what the run's backend predicts."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netspec.backend import find_exporting
from netspec.diagnostics import BackendError
from netspec.files import write_atomically
from netspec.runs.folder import Run
from netspec.runs.training import reference_batches

TOLERANCE = 1e-5
"""The largest difference of a probability that an export may show."""


@dataclass(frozen=True)
class Exported:
    """The file, its size in bytes, and its largest difference from the backend's predictions.

    `batches` are the sizes of the batches that were compared.
    """

    path: Path
    size: int
    difference: float
    backend: str
    batches: tuple[int, ...]


def export(
    run: Run, path: Path | None = None, *, opset: int | None = None, raw_input: bool = False
) -> Exported:
    """Write a run as ONNX, once it is shown to predict what its backend predicted.

    Neither framework is loaded: the run keeps its backend's predictions. With `raw_input` the file
    takes pixels as uint8 and divides them itself. Raises NetspecError, and then writes nothing.
    """
    target = find_exporting("onnx")
    network, weights, backend = run.network, run.weights(), run.backend
    reference = run.reference()
    content = target.export(network, weights, opset=opset, raw_input=False)
    predictor = target.open(content, "cpu")
    batches = list(reference_batches(reference.inputs))
    outputs = np.concatenate([predictor.predict(batch) for batch in batches])
    difference = float(np.abs(outputs - reference.outputs).max())
    bound = TOLERANCE * max(1.0, float(np.abs(reference.outputs).max()))
    if not difference <= bound:
        message = f"the ONNX model differs from {backend} by {difference:.1e} (limit {bound:.1e})"
        raise BackendError(message, "this is a fault of netspec; please report it with the spec")
    if raw_input:
        content = target.export(network, weights, opset=opset, raw_input=True)
    path = path or run.path / "model.onnx"
    write_atomically(path, content)
    sizes = tuple(len(batch) for batch in batches)
    return Exported(path, len(content), difference, backend, sizes)
