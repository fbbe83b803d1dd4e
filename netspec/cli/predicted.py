"""Predictions as they are shown or written: lines, a table, CSV, JSON, images or arrays."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from textwrap import fill
from typing import Any

from numpy.typing import NDArray

from netspec.cli.output import counted, show_remarks, write_csv
from netspec.data.saving import save_npy, save_npz
from netspec.language.layers import written
from netspec.runs.answers import renamed
from netspec.runs.drawn import DrawnPredictions
from netspec.runs.predicted import Predictions, Rows
from netspec.runs.prediction import ImagePredictions
from netspec.runs.report import Report, check_top
from netspec.runs.stored import NPY, NPZ, ArrayPredictions
from netspec.text.diagnostics import NetspecError, RunError, visible
from netspec.text.tables import WIDTH, fit

MOST_ROWS = 20
"""How many rows are printed as a table."""

DIGITS = 4

ONLY = "predictions"
"""The name of the only array in a file."""


@dataclass(frozen=True)
class Form:
    """How predictions are shown, by the options of the command."""

    top: int | None
    csv: Path | None
    json: bool
    output: Path | None

    @property
    def arrays(self) -> Path | None:
        """The file of arrays that is written; any other output is a folder of images."""
        is_file = self.output is not None and self.output.suffix.lower() in (NPZ, NPY)
        return self.output if is_file else None

    def check(self) -> None:
        """Raise NetspecError where two options do not fit together."""
        forms = {"--json": self.json, "--csv": self.csv, f"--output {self.output}": self.arrays}
        chosen = [name for name, is_chosen in forms.items() if is_chosen]
        if len(chosen) > 1:
            message = f"{chosen[0]} and {chosen[1]} are two forms of the output"
            raise NetspecError(message, "choose one of them")


def show(predictions: Predictions, form: Form) -> None:
    """Predict, and print or write the predictions. Raises NetspecError."""
    check_top(predictions.meanings, form.top)
    if form.arrays:
        _save(predictions, form.arrays)
        show_remarks(predictions.remarks)
        return
    if form.output:
        predictions = _drawn(predictions, form.output)
    # A terminal has no room for the probability of every class.
    top = form.top if form.json or form.csv else form.top or 1
    report = Report(predictions.meanings, predictions.target, top)
    rows = _noted(_counted(predictions, texts=not form.json))
    if form.json:
        _print_json(rows, predictions, report)
    elif form.csv:
        names = [*predictions.names, *renamed(report.names, predictions.names)]
        write_csv(form.csv, names, _lines(rows, report))
    elif predictions.name_width is not None and not report.steps:
        _print_lines(rows, predictions.name_width, report)
    else:
        _print_table(rows, predictions, report)
    if isinstance(predictions, DrawnPredictions) and not form.json and not form.csv:
        print("\n".join(map(visible, predictions.legend.splitlines())))
    show_remarks(predictions.remarks)
    if not form.output and any(meaning.has_pixels for meaning in predictions.meanings):
        show_remarks(["--output DIR writes the predicted pixels as images"])


def _drawn(predictions: Predictions, folder: Path) -> DrawnPredictions:
    if isinstance(predictions, ImagePredictions | ArrayPredictions):
        return DrawnPredictions(predictions, folder)
    message = f"{predictions.unit} have no images, and --output {folder} is a folder for images"
    raise RunError(message, "name a file of arrays: --output FILE.npz; or use --csv FILE")


def _counted(predictions: Predictions, *, texts: bool) -> Iterator[Rows]:
    return counted(predictions.rows(texts=texts), predictions.unit, predictions.count)


def _noted(rows: Iterable[Rows]) -> Iterator[Rows]:
    """The rows; new notes about them are shown before them."""
    shown: set[str] = set()
    for some in rows:
        show_remarks([note for note in some.notes if note not in shown])
        shown.update(some.notes)
        yield some


def _lines(rows: Iterable[Rows], report: Report) -> Iterator[list[str]]:
    """Every row, or every step of it, with its predictions."""
    for some in rows:
        for texts, steps in zip(some.texts, report.texts(some.outputs), strict=True):
            yield from ([*texts, *added] for added in steps)


def _print_json(rows: Iterable[Rows], predictions: Predictions, report: Report) -> None:
    """Print a list with an element for each example, one after the other."""
    separator = "["
    for some in rows:
        for place in range(len(some)):
            outputs = [output[place] for output in some.outputs]
            data = predictions.key(some, place) | report.to_json(outputs)
            print(f"{separator}\n  {json.dumps(data)}", end="")
            separator = ","
    print("[]" if separator == "[" else "\n]")


def _print_lines(rows: Iterable[Rows], width: int, report: Report) -> None:
    """Print a line for every example; of several outputs, a line for each after it."""
    for some in rows:
        for place, (name, *_) in enumerate(some.texts):
            outputs = [output[place] for output in some.outputs]
            if report.is_line:
                print(f"{name:{width}}  {visible(report.line(outputs))}")
                continue
            print(name)
            for line in _aligned(report.lines(outputs)):
                print(line)


def _aligned(lines: list[tuple[str, str]]) -> Iterator[str]:
    """The name and the text of outputs, in lines of at most 80 characters."""
    width = max(len(name) for name, _ in lines)
    for name, text in lines:
        first, others = f"  {name:{width}}  ", " " * (width + 4)
        yield fill(visible(text), WIDTH, initial_indent=first, subsequent_indent=others)


def _print_table(rows: Iterable[Rows], predictions: Predictions, report: Report) -> None:
    """Print the first rows, aligned, and how many more there are."""
    first: list[list[str]] = []
    count = 0
    for some in rows:
        missing = MOST_ROWS - len(first)
        if missing > 0:
            outputs = [output[:missing] for output in some.outputs]
            texts = report.texts(outputs, DIGITS)
            pairs = zip(some.texts, texts, strict=False)
            first += [[*row, *new] for row, steps in pairs for new in steps][:missing]
        count += len(some) * (report.steps or 1)
    names = predictions.names
    header = [*names, *renamed(report.names, names)]
    lines, left_out = fit([[visible(text) for text in row] for row in (header, *first)], len(names))
    print("\n".join(lines))
    if left_out:
        print(f"{left_out:,} more column{'' if left_out == 1 else 's'}; --csv FILE writes all")
    if count > len(first):
        print(f"{count - len(first):,} more rows; --csv FILE writes all of them")
    sys.stdout.flush()


def _save(predictions: Predictions, path: Path) -> None:
    """Write the outputs as arrays, as `netspec.predict` of Python returns them."""
    meanings = predictions.meanings
    names = [ONLY] if len(meanings) == 1 else [meaning.output for meaning in meanings]
    # Rows of a table are in their file; images and the rows of a series have their names here.
    keys = renamed(predictions.saved_names, names)
    texts: dict[str, list[str]] = {name: [] for name in keys}

    def parts() -> Iterator[Mapping[str, NDArray[Any]]]:
        for some in _noted(_counted(predictions, texts=bool(keys))):
            for place, name in enumerate(keys):
                texts[name] += [row[place] for row in some.texts]
            pairs = zip(meanings, some.outputs, strict=True)
            outputs = [meaning.unread(output) for meaning, output in pairs]
            yield dict(zip(names, outputs, strict=True))

    if path.suffix.lower() == NPZ:
        shapes = save_npz(path, parts(), texts)
    elif len(meanings) > 1:
        message = f"the network has {len(meanings)} outputs, and {path} is a file of one array"
        raise NetspecError(message, f"name {path.with_suffix(NPZ)}")
    else:
        shapes = save_npy(path, parts())
    arrays = ", ".join(f"{name} {written(shape)}" for name, shape in shapes.items())
    print(f"Wrote {path}: {visible(arrays)}")
