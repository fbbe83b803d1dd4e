"""Predictions for the rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.frames import FrameFile, batches_of, open_frame, reading_of, texts_of_rows
from netspec.data.preparation import MISSING, CategoryColumn, Preparation, PreparedColumn, Values
from netspec.data.sources.table import TableFiles
from netspec.data.tokens import TextColumn
from netspec.runs.opened import OpenedModel
from netspec.runs.predicted import Rows, first_not_finite, not_finite, read_outputs
from netspec.text.diagnostics import DataError, RunError


class TablePredictions:
    """The predictions for the rows of a file; see `Predictions`. Raises NetspecError.

    The columns of the file are found by their names, in any order, and others are ignored. The
    memory does not depend on the number of rows.
    """

    unit = "rows"
    name_width = None
    saved_names = ()
    count = None

    def __init__(self, opened: OpenedModel, path: Path) -> None:
        """Look at a file; nothing is predicted before `rows`."""
        self.opened, self._preparation = opened, preparation_of(opened)
        data = opened.network.spec.data
        self._file: FrameFile = open_frame(path, str(path), reading_of(data))
        self._file.check_columns(opened.session.columns)
        self.names: tuple[str, ...] = self._file.names
        self.meanings = opened.meanings
        self.target: str | None = data.target if isinstance(data, TableFiles) else None
        self._unusual = Unusual(self._preparation)

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """See `Predictions`."""
        start = 0
        lines = texts_of_rows(self._file) if texts else iter(())
        for values in batches_of(self._file, self._preparation.columns):
            columns = {name: np.asarray(some) for name, some in values.items()}
            outputs = read_outputs(self.opened, self.opened.session.outputs_of_columns(columns))
            if (wrong := first_not_finite(outputs)) is not None:
                help = "look for numbers in the row that are infinite or far too large"
                raise not_finite(self.opened, self._file.place(start + wrong), help)
            self._unusual.count(values)
            of_rows = [*islice(lines, len(outputs[0]))]
            if texts and len(of_rows) != len(outputs[0]):
                message = f"{self._file.shown} has rows that are not written as others are"
                raise DataError(message, "save the table as CSV or Parquet again")
            yield Rows(start, outputs, of_rows)
            start += len(outputs[0])

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """See `Predictions`: the number of the row, from 1."""
        return {"row": rows.start + place + 1, "file": self._file.shown}

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Predictions`."""
        return (*self.opened.notes, *self._unusual.remarks(self._file.shown))


def preparation_of(opened: OpenedModel) -> Preparation:
    """Raises RunError where a model does not take the columns of a table."""
    if opened.preparation is None:
        message = f"{opened.path} was not trained on the columns of a table"
        raise RunError(message, "name images, or a run of the data set table")
    return opened.preparation


class Unusual:
    """Counts the missing values and the unknown categories of rows."""

    def __init__(self, preparation: Preparation) -> None:
        self._columns = preparation.columns
        self._rows = Counter[str]()
        self._by_column = {"missing": Counter[str](), "unknown": Counter[str]()}

    def count(self, values: Mapping[str, Values]) -> None:
        """Count some rows."""
        masks = {column.name: _masks(column, values[column.name]) for column in self._columns}
        for place, (kind, by_column) in enumerate(self._by_column.items()):
            by_column.update({name: int(both[place].sum()) for name, both in masks.items()})
            unusual = [both[place] for both in masks.values()]
            self._rows[kind] += int(np.logical_or.reduce(unusual).sum())

    def remarks(self, shown: str) -> Iterator[str]:
        """A sentence for each kind."""
        kinds = {
            "missing": ("a missing value", "a number counts as the mean, a category as unknown"),
            "unknown": ("a category that training has not seen", "it counts as unknown"),
        }
        for kind, (what, rule) in kinds.items():
            if count := self._rows[kind]:
                columns = [f"{name} {n:,}" for name, n in self._by_column[kind].most_common() if n]
                rows = "row has" if count == 1 else "rows have"
                yield f"{shown}: {count:,} {rows} {what} ({', '.join(columns)}): {rule}"


def _masks(column: PreparedColumn, values: Values) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which of the values (n, …) are missing, and which are unknown categories."""
    if isinstance(column, CategoryColumn):
        unknown, missing = column.places(values) == 0, _equal(values, MISSING)
        return unknown & missing, unknown & ~missing
    is_text = isinstance(column, TextColumn)
    missing = _equal(values, MISSING) if is_text else np.isnan(np.asarray(values))
    return missing, np.zeros_like(missing)


def _equal(values: Values, text: str) -> NDArray[np.bool_]:
    if isinstance(values, Coded):
        return values.where(lambda some: some == text)
    return np.asarray(values) == text
