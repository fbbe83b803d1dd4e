"""Forecasts of a series: the rows after the last row of every group of a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.dates import written_times
from netspec.data.examples import at_once
from netspec.data.forecasts import LastWindows, last_windows
from netspec.data.sources.series import Series
from netspec.language.data import Passed
from netspec.runs.answers import Answers, renamed
from netspec.runs.opened import OpenedModel
from netspec.runs.predicted import Rows, first_not_finite, not_finite
from netspec.runs.rows import Unusual, preparation_of
from netspec.text.diagnostics import RunError


class SeriesPredictions:
    """The rows that follow each group of a file or a passed frame; see `Predictions`.

    There is one for each step of the horizon. A row has its time and the columns of its group.
    Raises NetspecError.
    """

    unit = "rows"
    name_width = None

    def __init__(self, opened: OpenedModel, file: Path | Passed) -> None:
        """Read the last rows of every group; nothing is predicted before `rows`."""
        self.opened, self._source = opened, _source_of(opened)
        preparation = preparation_of(opened)
        self._last: LastWindows = last_windows(self._source, file, preparation)
        self._unusual = Unusual(preparation)
        self._unusual.count(self._last.values)
        self.names = self.saved_names = (self._source.time, *self._source.group)
        # Values also where the network ends in a sigmoid: a series has no classes.
        self._meaning = replace(
            opened.meanings[0], kind="values", names=self._source.target, axes=()
        )
        self.meanings = (self._meaning,)
        self.target = self._source.target[0] if len(self._source.target) == 1 else None
        self.count = self._last.ahead.size
        self._times = written_times(self._last.ahead.ravel(), self._last.kind)

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """See `Predictions`."""
        source, groups = self._source, len(self._last.groups)
        size = at_once(source.history * len(self._last.values))
        for start in range(0, groups, size):
            some = slice(start, start + size)
            columns = {name: np.asarray(all_[some]) for name, all_ in self._last.values.items()}
            (output,) = self.opened.session.outputs_of_columns(columns)
            output = self._meaning.read(output)
            if (wrong := first_not_finite((output,))) is not None:
                place = self._last.groups[start + wrong] or self._last.shown
                help = "look for numbers in its last rows that are infinite or far too large"
                raise not_finite(self.opened, place, help)
            predicted = output.reshape(-1, len(source.target))
            first = start * source.horizon
            places = range(first, first + len(predicted))
            yield Rows(first, (predicted,), [self._texts(row) for row in places] if texts else [])

    def _texts(self, row: int) -> list[str]:
        return [self._times[row], *self._last.keys[row // self._source.horizon]]

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """See `Predictions`: the time, and the columns of the group."""
        row = rows.start + place
        time, *group = self._texts(row)
        number = self._last.kind != "time"
        named = dict(zip(self._source.group, group, strict=True))
        # A column may have the name of a part of the prediction.
        return {
            "time": float(self._last.ahead.flat[row]) if number else time,
            **({"group": named} if named else {}),
        }

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Predictions`."""
        return (*self.opened.notes, *self._last.remarks, *self._unusual.remarks(self._last.shown))

    def columns(self) -> dict[str, NDArray[Any]]:
        """The rows as arrays (n,) by column: times are datetime64, groups are texts."""
        outputs = np.concatenate([rows.outputs[0] for rows in self.rows()])
        times = self._last.ahead.ravel()
        if self._last.kind == "time":
            times = np.rint(times * 1e6).astype("datetime64[us]")
        keys = np.repeat(np.array(self._last.keys, object), self._source.horizon, axis=0)
        names = Answers(self._meaning, self.target).names
        return {
            self._source.time: times,
            **{name: keys[:, place] for place, name in enumerate(self._source.group)},
            **dict(zip(renamed(names, self.names), outputs.T, strict=True)),
        }


def _source_of(opened: OpenedModel) -> Series:
    if opened.series is None:
        message = f"{opened.path} was not trained on a series"
        raise RunError(message, "name a run of the data set series")
    return opened.series
