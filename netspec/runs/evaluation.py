"""The test results of a run, on any backend."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from netspec.backend import Device, Predictor, find
from netspec.data import Dataset, load
from netspec.data.examples import noun_of
from netspec.data.location import check_named, only_tested, with_data
from netspec.data.passed.parts import is_one_part
from netspec.data.record import DataRecord, differences, remarks
from netspec.language.data import Passed, class_names
from netspec.network import Network
from netspec.numerics.weights import Weights
from netspec.runs.exported import open_exported, remarks_about
from netspec.runs.folder import Run
from netspec.runs.metrics import Record, evaluate
from netspec.runs.quantization import ScaledInputs
from netspec.runs.training import train_settings


@dataclass(frozen=True)
class Evaluation:
    """The metrics of the test examples, the backend and the device."""

    figures: Record
    images: int
    seconds: float
    noun: str
    backend: str
    device: str
    class_names: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    """What a user would not expect, a sentence for each fact."""

    def table(self) -> str:
        """The numbers as lines, and after them each matrix under its name."""
        numbers = {key: value for key, value in self.figures.items() if not isinstance(value, list)}
        width = max(map(len, numbers))
        lines = [f"{name:{width}}  {value:.4f}" for name, value in numbers.items()]
        for name, value in self.figures.items():
            if isinstance(value, list):
                lines += ["", f"{name}: a row for every class, a column for every answer"]
                lines += _matrix(value, self.class_names)
        return "\n".join(lines)


def _matrix(rows: list[list[int]], names: tuple[str, ...]) -> list[str]:
    """The lines of a table of counts, its columns as wide as they have to be."""
    named = names if len(names) == len(rows) else tuple(map(str, range(len(rows))))
    cells = [["", *named], *([name, *map(str, row)] for name, row in zip(named, rows, strict=True))]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells))]
    return [
        "  ".join(
            f"{cell:<{width}}" if column == 0 else f"{cell:>{width}}"
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    ]


def evaluate_run(
    run: Run,
    backend: str | None = None,
    device: Device = "auto",
    data: Path | Passed | None = None,
) -> Evaluation:
    """Test a run's weights on a backend, by default the run's backend. Raises NetspecError.

    `data` is the npz file, or the folder of the files, where they are not at their place any more;
    or data that a program passes.
    """
    name = backend or run.backend
    if data is None:
        check_named(run.network, str(run.path), f'netspec.evaluate(netspec.run("{run.path}"), ')
    network = with_data(run.network, data)
    train_settings(network)
    target = find(name)
    weights = run.weights()
    dataset, notes = _tested(network, str(run.path), run.about.data)
    notes += tuple(remarks_about(run))
    predictor = target.predictor(network, weights, device)
    return _evaluated(network, dataset, predictor, weights, name, notes)


def evaluate_file(
    path: Path, device: Device = "auto", data: Path | Passed | None = None
) -> Evaluation:
    """Test an exported file on the test examples that its spec names; see `evaluate_run`."""
    file = open_exported(path, device)
    if data is None:
        check_named(file.network, str(path), f'netspec.evaluate("{path}", ')
    network = with_data(file.network, data)
    train_settings(network)
    dataset, notes = _tested(network, str(path), file.record)
    notes += file.model.remarks
    if any(weight.regularizer is not None for _, weight in network.graph.weights()):
        notes += ("test_loss has no penalties, whose weights the file does not name",)
    return _evaluated(network, dataset, ScaledInputs(file.model), None, "onnx", notes)


def _tested(
    network: Network, subject: str, before: DataRecord | None
) -> tuple[Dataset, tuple[str, ...]]:
    """The data to test on, and what the user has to know of them.

    Of data that a program passes without parts all examples are tested, unless they are the data of
    the training: these have a test part.
    """
    if network.passed is None or not is_one_part(network.passed.values):
        dataset = load(network, learned=before)
        return dataset, remarks(subject, before, dataset.record)
    dataset = load(only_tested(network), learned=before)
    if before and _count(dataset.record, "test") == sum(_count(before, part) for part in _DRAWN):
        again = load(network, learned=before)
        if not differences(before, again.record):
            return again, ()
        count = len(dataset.test)
        note = f"all {count:,} examples are tested: they differ from the data of {subject}"
        return dataset, (note,)
    if before and _count(dataset.record, "train") != _count(dataset.record, "test"):
        return dataset, remarks(subject, before, dataset.record)  # of a series
    return dataset, ()


_DRAWN = ("train", "test")


def _count(record: DataRecord, part: str) -> int:
    """The number of examples of a part."""
    arrays = (array for name, array in record.arrays.items() if name.startswith(f"x_{part}"))
    return next((array.count for array in arrays), 0)


def _evaluated(
    network: Network,
    dataset: Dataset,
    predictor: Predictor,
    weights: Weights | None,
    backend: str,
    notes: tuple[str, ...],
) -> Evaluation:
    began, examples = perf_counter(), dataset.test
    figures = evaluate(predictor, weights, examples, network, "test_")
    seconds = perf_counter() - began
    units = network.graph.output.shape[-1]
    names = class_names(network.spec.data, units, dataset.record.class_names)
    notes = (*dataset.notes, *notes)
    about = noun_of(network.graph), backend, predictor.device
    return Evaluation(figures, len(examples), seconds, *about, names, notes)
