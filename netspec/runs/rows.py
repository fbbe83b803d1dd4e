"""Predictions for the rows of a table, a part of the rows at a time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
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
from netspec.numerics.weights import Array
from netspec.runs.meaning import Meaning
from netspec.runs.opened import OpenedModel
from netspec.text.diagnostics import DataError, RunError


@dataclass(frozen=True)
class Rows:
    """Some rows of a file, the first of which has the number `start`, from 0.

    `texts` are all columns of the rows as the file has them, where they were requested; `outputs`
    (n, names) are probabilities or values, as `Meaning.read` returns them.
    """

    start: int
    outputs: Array
    texts: list[list[str]] = field(default_factory=list[list[str]])

    def __len__(self) -> int:
        return len(self.outputs)


class TablePredictions:
    """The predictions for the rows of a file. Raises NetspecError.

    The columns of the file are found by their names, in any order, and others are ignored. The
    memory does not depend on the number of rows.
    """

    def __init__(self, opened: OpenedModel, path: Path) -> None:
        """Look at a file; nothing is predicted before `rows`."""
        self._opened, self._preparation = opened, _preparation_of(opened)
        data = opened.network.spec.data
        self.file: FrameFile = open_frame(path, str(path), reading_of(data))
        self.file.check_columns(opened.session.columns)
        self.meaning: Meaning = opened.meaning()
        self.target: str | None = data.target if isinstance(data, TableFiles) else None
        self._unusual = _Unusual(self._preparation)

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """The predictions in the order of the rows, with the texts of all columns on request."""
        start = 0
        lines = texts_of_rows(self.file) if texts else iter(())
        for values in batches_of(self.file, self._preparation.columns):
            columns = {name: np.asarray(some) for name, some in values.items()}
            outputs = self.meaning.read(*self._opened.session.outputs_of_columns(columns))
            self._check_finite(outputs, start)
            self._unusual.count(values)
            of_rows = [*islice(lines, len(outputs))]
            if texts and len(of_rows) != len(outputs):
                message = f"{self.file.shown} has rows that are not written as others are"
                raise DataError(message, "save the table as CSV or Parquet again")
            yield Rows(start, outputs, of_rows)
            start += len(outputs)

    @property
    def remarks(self) -> tuple[str, ...]:
        """What is unusual about the model and about the rows that were predicted."""
        return (*self._opened.notes, *self._unusual.remarks(self.file.shown))

    def _check_finite(self, outputs: Array, start: int) -> None:
        wrong = np.flatnonzero(~np.isfinite(outputs).all(-1))
        if wrong.size:
            place = self.file.place(start + int(wrong[0]))
            message = f"{self._opened.path} predicts values for {place} that are not finite"
            raise RunError(
                message, "look for numbers in the row that are infinite or far too large"
            )


def _preparation_of(opened: OpenedModel) -> Preparation:
    """Raises RunError where a model does not take rows of a table."""
    if opened.preparation is None:
        message = f"{opened.path} was not trained on the columns of a table"
        raise RunError(message, "name images, or a run of the data set table")
    opened.check_takes_rows()
    if len(opened.network.graph.outputs) > 1 or len(opened.network.graph.output.shape) != 1:
        message = f"{opened.path} has outputs that are no columns of a table"
        raise RunError(message, "use predict of Python, which returns arrays")
    return opened.preparation


class _Unusual:
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
    """Which of the values (n,) are missing, and which are unknown categories."""
    none = np.zeros(len(values), bool)
    if isinstance(column, TextColumn):
        return _equal(values, MISSING), none
    if not isinstance(column, CategoryColumn):
        numbers: NDArray[Any] = np.asarray(values)
        return np.isnan(numbers), none
    unknown, missing = column.places(values) == 0, _equal(values, MISSING)
    return unknown & missing, unknown & ~missing


def _equal(values: Values, text: str) -> NDArray[np.bool_]:
    if isinstance(values, Coded):
        return values.where(lambda some: some == text)
    return np.asarray(values) == text
