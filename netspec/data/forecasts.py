"""The last rows of a series, from which a network predicts the values after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from netspec.data.calendar import Cut
from netspec.data.preparation import Preparation, Values
from netspec.data.sources.series import Series
from netspec.data.timed import TimedRows, read_timed
from netspec.language.data import FilePath
from netspec.text.diagnostics import DataError, listed


@dataclass(frozen=True)
class LastWindows:
    """The last `history` rows of every group (g,) of a file.

    `values` are (g, history) by the name of the column, as `Preparation.apply` takes them. `groups`
    are texts such as `sensor a`, or `""` without groups; `times` are the times of the last rows as
    texts. `remarks` name the groups that are left out.
    """

    groups: tuple[str, ...]
    times: tuple[str, ...]
    values: Mapping[str, Values]
    remarks: tuple[str, ...]


def last_windows(source: Series, path: Path, preparation: Preparation) -> LastWindows:
    """The last window of every group of a file. Raises DataError.

    The file has the columns of the preparation, the time and the groups. Values to predict are not
    needed. Groups with fewer rows, and with a gap in time in them, are left out.
    """
    there = source.model_copy(update={"path": FilePath(path)})
    rows = read_timed(there, Path(), preparation, ())
    calendar = rows.calendar
    cut = Cut(source.history, 0, 0, bridge=source.bridge)
    ends = np.cumsum(calendar.sizes())
    complete = np.isin(ends - source.history, calendar.starts(cut))
    if not complete.any():
        message = f"no group of {path} ends in {source.history:,} rows without a gap in time"
        raise DataError(message, "predict from a file with more rows")
    firsts = (ends - source.history)[complete]
    window = calendar.order[firsts[:, np.newaxis] + np.arange(source.history)]
    columns = {name: rows.values[name][window] for name in rows.features}
    names = tuple(np.array(rows.groups.texts, object)[complete].tolist())
    times = tuple(rows.written_time(int(row)) for row in window[:, -1])
    return LastWindows(names, times, columns, _left_out(rows, complete.tolist()))


def _left_out(rows: TimedRows, complete: list[bool]) -> tuple[str, ...]:
    names = [text for text, kept in zip(rows.groups.texts, complete, strict=True) if not kept]
    if not names:
        return ()
    history = rows.source.history
    return (f"no {history:,} rows without a gap at the end, and no prediction: {listed(names)}",)
