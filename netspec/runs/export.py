"""A run as an ONNX file that predicts what the run's backend predicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netspec.backend import Quantization, find_exporting
from netspec.diagnostics import BackendError, NetspecError
from netspec.files import write_atomically
from netspec.runs.folder import Run
from netspec.runs.quantization import Quantized, check_loss, quantized
from netspec.runs.training import predicted_in_batches, reference_batches
from netspec.weights import Array

TOLERANCE = 1e-5
"""The largest difference of a probability that an export may show."""


@dataclass(frozen=True)
class Exported:
    """The file, its size in bytes, and its largest difference from the backend's predictions.

    `batches` are the sizes of the batches that were compared. `quantized` is what a smaller form
    lost; the difference is that of the float32 model, which was compared before.
    """

    path: Path
    size: int
    difference: float
    backend: str
    batches: tuple[int, ...]
    quantized: Quantized | None = None


def export(
    run: Run,
    path: Path | None = None,
    *,
    opset: int | None = None,
    raw_input: bool = False,
    passes: frozenset[str] | None = None,
    quantize: Quantization | None = None,
    max_loss: float,
    force: bool = False,
) -> Exported:
    """Write a run as ONNX, once it is shown to predict what its backend predicted.

    Neither framework is loaded: the run keeps its backend's predictions. With `raw_input` the file
    takes pixels as uint8 and divides them itself. `passes` are the optimizations of the file, None
    being all.

    With `quantize` the file is int8, calibrated on training examples, or fp16. It is then tested
    beside the float32 model, and may lose no more than `max_loss`, except with `force`.

    Raises NetspecError, and then writes nothing.
    """
    if not max_loss >= 0:  # which a number that is none is not
        message = f"an export cannot lose {max_loss:g}"
        raise NetspecError(message, "give 0 or more to --max-loss, such as 0.005")
    target = find_exporting("onnx")
    network = replace(run.network, passes=passes)
    weights, reference = run.result()
    backend = run.backend
    content = target.export(network, weights, opset=opset, raw_input=False)
    predictor = target.open(content, "cpu")
    outputs = predicted_in_batches(predictor, reference.inputs)
    pairs = [
        (float(np.abs(found - expected).max()), _bound(expected))
        for found, expected in zip(outputs, reference.outputs, strict=True)
    ]
    # The first that is too far off, a difference that is not a number included; else the largest.
    difference, bound = next((each for each in pairs if not each[0] <= each[1]), max(pairs))
    if not difference <= bound:
        message = f"the ONNX model differs from {backend} by {difference:.1e} (limit {bound:.1e})"
        raise BackendError(message, "this is a fault of netspec; please report it with the spec")
    if raw_input:
        content = target.export(network, weights, opset=opset, raw_input=True)
    lost = None
    if quantize:
        content, lost = quantized(target, content, quantize, network, weights)
        if not force:
            check_loss(lost, max_loss)
    path = path or run.path / (f"model-{quantize}.onnx" if quantize else "model.onnx")
    write_atomically(path, content)
    sizes = tuple(len(batch[0]) for batch in reference_batches(reference.inputs))
    return Exported(path, len(content), difference, backend, sizes, lost)


def _bound(expected: Array) -> float:
    return TOLERANCE * max(1.0, float(np.abs(expected).max()))
