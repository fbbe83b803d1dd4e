"""The predictions for a table: a table in the terminal, CSV or JSON."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from netspec.cli.output import counted, show_remarks, write_csv
from netspec.runs.answers import Answers, prediction_of, renamed
from netspec.runs.opened import OpenedModel
from netspec.runs.rows import Rows, TablePredictions
from netspec.text.diagnostics import NetspecError, visible

MOST_ROWS = 20
"""How many rows are printed as a table."""

WIDTH = 80
MAX_LENGTH = 18
DIGITS = 4


def predict_table(
    opened: OpenedModel, inputs: list[Path], *, top: int | None, csv: Path | None, json_: bool
) -> None:
    """Predict for the rows of one file, and print or write them. Raises NetspecError."""
    if len(inputs) > 1:
        message = f"{len(inputs)} tables were named, and one is predicted at a time"
        raise NetspecError(message, "call predict for each of them")
    predictions = TablePredictions(opened, inputs[0])
    answers = Answers(predictions.meaning, predictions.target, top)
    rows = counted(predictions.rows(texts=not json_), "rows")
    names = predictions.file.names
    if json_:
        _print_json(rows, predictions, top)
    elif csv:
        added = renamed(answers.names, names)
        write_csv(csv, [*names, *added], _joined(rows, answers))
    else:
        _print_table([*names], rows, answers.shortest)
    show_remarks(predictions.remarks)


def _joined(rows: Iterator[Rows], answers: Answers) -> Iterator[list[str]]:
    """Every row with its predictions."""
    for some in rows:
        for texts, added in zip(some.texts, answers.texts(some.outputs), strict=True):
            yield [*texts, *added]


def _print_json(rows: Iterator[Rows], predictions: TablePredictions, top: int | None) -> None:
    """Print a list with an element for each row, one after the other."""
    shown, separator = predictions.file.shown, "["
    for some in rows:
        for row, outputs in enumerate(some.outputs, some.start + 1):
            data = prediction_of(shown, outputs, predictions.meaning).to_json(top)
            del data["notes"]  # of images
            print(f"{separator}\n  {json.dumps({'row': row, **data})}", end="")
            separator = ","
    print("[]" if separator == "[" else "\n]")


def _print_table(names: list[str], rows: Iterator[Rows], answers: Answers) -> None:
    """Print the first rows, aligned, and how many more there are."""
    first: list[list[str]] = []
    count = 0
    for some in rows:
        count += len(some)
        missing = MOST_ROWS - len(first)
        if missing > 0:
            texts = answers.texts(some.outputs[:missing], DIGITS)
            first += [[*row, *new] for row, new in zip(some.texts[:missing], texts, strict=True)]
    header = [*names, *renamed(answers.names, names)]
    lines = [[visible(text) for text in row] for row in (header, *first)]
    for line in _aligned(lines, len(names)):
        print(line)
    if count > len(first):
        more = f"{count - len(first):,} more rows; --csv FILE writes all of them"
        print(more)
    sys.stdout.flush()


def _aligned(lines: list[list[str]], columns: int) -> Iterator[str]:
    """Lines of at most WIDTH characters: as many of the new columns as fit, and of the others."""
    clipped = [[_clipped(text) for text in line] for line in lines]
    widths = [max(map(len, column)) for column in zip(*clipped, strict=True)]
    room, shown = WIDTH + 2, list[int]()
    for place in (*range(columns, len(widths)), *range(columns)):
        if widths[place] + 2 > room:
            room = room if place >= columns else 0
            continue
        room -= widths[place] + 2
        shown.append(place)
    for line in clipped:
        yield "  ".join(f"{line[place]:{widths[place]}}" for place in sorted(shown)).rstrip()


def _clipped(text: str) -> str:
    return text if len(text) <= MAX_LENGTH else f"{text[: MAX_LENGTH - 3]}..."
