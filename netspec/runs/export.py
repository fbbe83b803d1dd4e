"""A run as an ONNX file that predicts what the run's backend predicts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from netspec.backend import (
    LARGEST_BATCH,
    ExportedModel,
    Predictor,
    Quantization,
    chunks,
    find_exporting,
)
from netspec.data import Dataset, load
from netspec.data.loading import input_columns
from netspec.data.location import check_named, relocated, with_data
from netspec.data.pixels import as_pixels
from netspec.data.preparation import Preparation
from netspec.data.record import remarks
from netspec.language.data import Passed
from netspec.network import Network
from netspec.numerics.weights import Array
from netspec.runs.folder import Reference, Run
from netspec.runs.quantization import (
    Quantized,
    ScaledInputs,
    check_loss,
    divisor_of,
    quantized,
)
from netspec.runs.training import predicted_in_batches, reference_batches
from netspec.text.diagnostics import BackendError, DataError, NetspecError
from netspec.text.files import write_atomically

TOLERANCE = 1e-5
"""The largest difference of a probability that an export may show."""

PIXEL_TOLERANCE = 1e-6
"""The largest difference of an input from a pixel of 8 bits, for inputs up to 1."""

PREPARATION_TOLERANCE = 1e-6
"""The largest difference of an input that the preparation in a file may show."""

_REPORT = "this is a bug of netspec; please report it with the spec"


@dataclass(frozen=True)
class Exported:
    """The file, its size in bytes, and its largest difference from the backend's predictions.

    `batches` are the sizes of the batches that were compared. `quantized` is what a smaller form
    lost; the difference is the difference of the float32 model, compared before. `remarks` are what
    a user would not expect, a sentence for each fact.
    """

    path: Path
    size: int
    difference: float
    backend: str
    batches: tuple[int, ...]
    quantized: Quantized | None = None
    remarks: tuple[str, ...] = ()


def export(
    run: Run,
    path: Path | None = None,
    *,
    opset: int | None = None,
    raw_input: bool = False,
    passes: frozenset[str] | None = None,
    data: Path | Passed | None = None,
    quantize: Quantization | None = None,
    max_loss: float,
    force: bool = False,
) -> Exported:
    """Write a run as ONNX, once it is shown to predict what its backend predicted.

    Neither framework is loaded: the run keeps its backend's predictions. With `raw_input` the file
    takes pixels as uint8 and divides them itself; it is then compared on pixels. `passes` are the
    optimizations of the file, None being all.

    With `quantize` the file is int8, calibrated on training examples, or fp16. It is then tested
    beside the float32 model, and may lose no more than `max_loss`, except with `force`. `data` is
    the npz file, or the folder of the files, where they are not at their place any more; or data
    that a program passes.

    Raises NetspecError, and then writes nothing.
    """
    if not max_loss >= 0:  # which a number that is none is not
        message = f"an export cannot lose {max_loss:g}"
        raise NetspecError(message, "write 0 or more after --max-loss, such as 0.005")
    if quantize and data is None:
        call = f'netspec.export(netspec.run("{run.path}"), quantize="{quantize}", '
        check_named(run.network, str(run.path), call)
    target = find_exporting("onnx")
    path = path or run.path / (f"model-{quantize}.onnx" if quantize else "model.onnx")
    network = _placed(with_data(replace(run.network, passes=passes), data), path.parent)
    (weights, reference), record = run.result(), run.about.data
    content = target.export(network, weights, opset=opset, raw_input=raw_input, record=record)
    model = target.open(content, "cpu")
    if raw_input:
        _check_pixels(reference.inputs, divisor_of(model))
    difference = _largest_difference(ScaledInputs(model), reference, run.backend)
    if record and record.preparation:
        _check_preparation(model, record.preparation, network)
    dataset = load(network, learned=record) if quantize else None
    lost = None
    if quantize and dataset:
        content, lost = quantized(target, content, quantize, network, weights, dataset)
        if not force:
            check_loss(lost, max_loss)
    write_atomically(path, content)
    sizes = tuple(len(batch[0]) for batch in reference_batches(reference.inputs))
    notes = _remarks(run, dataset)
    return Exported(path, len(content), difference, run.backend, sizes, lost, notes)


def _placed(network: Network, folder: Path) -> Network:
    """The network with the paths of its data relative to the folder of the exported file."""
    return replace(network, spec=relocated(network.spec, network.folder, folder), folder=folder)


def _check_pixels(inputs: tuple[Array, ...], divisor: float) -> None:
    """Raise DataError where no pixels of 8 bits are the inputs that the backend predicted for."""
    for array in inputs:
        values = as_pixels(array, divisor) / np.float32(divisor)
        difference = float(np.abs(values - array).max(initial=0))
        if not difference <= PIXEL_TOLERANCE * max(1.0, float(np.abs(array).max(initial=0))):
            message = (
                f"the test images differ by {difference:.1e} from pixels of 8 bits divided by "
                f"{divisor:g}"
            )
            raise DataError(message, "leave --raw-input out: raw input is pixels from 0 to 255")


def _largest_difference(predictor: Predictor, reference: Reference, backend: str) -> float:
    """The largest difference from the backend's outputs. Raises BackendError if it is too large."""
    outputs = predicted_in_batches(predictor, reference.inputs)
    pairs = [
        (float(np.abs(values - expected).max()), _bound(expected))
        for values, expected in zip(outputs, reference.outputs, strict=True)
    ]
    # The first that is too far off, a difference that is not a number included; else the largest.
    difference, bound = next((pair for pair in pairs if not pair[0] <= pair[1]), max(pairs))
    if not difference <= bound:
        message = f"the ONNX model differs from {backend} by {difference:.1e} (limit {bound:.1e})"
        raise BackendError(message, _REPORT)
    return difference


def _check_preparation(model: ExportedModel, preparation: Preparation, network: Network) -> None:
    """Raise BackendError where a file prepares the columns of a table in another way than a run."""
    probes = preparation.probes()
    inputs_of = input_columns(network.graph)
    for part in chunks(len(next(iter(probes.values()))), LARGEST_BATCH):
        rows = {name: values[part] for name, values in probes.items()}
        prepared = preparation.apply(rows)
        inputs = tuple(
            prepared[inputs_of[input_.name]].reshape(-1, *input_.shape)
            for input_ in network.graph.inputs
        )
        _check_equal(model.prepared(rows), inputs, PREPARATION_TOLERANCE, "preparation")
        _check_equal(model.outputs_of_columns(rows), model.outputs(*inputs), TOLERANCE, "model")


def _check_equal(
    outputs: tuple[Array, ...], expected: tuple[Array, ...], tolerance: float, subject: str
) -> None:
    for values, others in zip(outputs, expected, strict=True):
        difference = float((np.abs(values - others) / np.maximum(1, np.abs(others))).max())
        if not difference <= tolerance:
            message = f"the ONNX {subject} of a table differs by {difference:.1e}"
            raise BackendError(message, _REPORT)


def _remarks(run: Run, dataset: Dataset | None) -> tuple[str, ...]:
    if dataset:
        return remarks(str(run.path), run.about.data, dataset.record)
    if run.about.data is None:
        return (f"{run.path} does not record its data: nobody knows the range of their pixels",)
    return ()


def _bound(expected: Array) -> float:
    return TOLERANCE * max(1.0, float(np.abs(expected).max()))
