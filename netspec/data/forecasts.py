"""The last rows of a series, from which a network predicts the values after them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.calendar import Cut
from netspec.data.coded import Coded
from netspec.data.preparation import Preparation, Values
from netspec.data.sources.series import Series
from netspec.data.timed import TimedRows, read_timed
from netspec.language.data import FilePath, Passed
from netspec.text.diagnostics import DataError, listed


@dataclass(frozen=True)
class LastWindows:
    """The last `history` rows of every group (g,) of a file, which is `shown` in messages.

    `values` are (g, history) by the name of the column, as `Preparation.apply` takes them. `groups`
    are texts such as `sensor a`, or `""` without groups; `keys` are the values of the columns that
    name a group. `times` are the times of the last rows as texts, and `ahead` (g, horizon) are the
    times that are predicted, of the kind `time` or `number`: a row is as long after the row before
    as the median distance in its group. `remarks` name the groups that are left out.
    """

    shown: str
    groups: tuple[str, ...]
    keys: tuple[tuple[str, ...], ...]
    times: tuple[str, ...]
    ahead: NDArray[np.float64]
    kind: str
    values: Mapping[str, Values]
    remarks: tuple[str, ...]


def last_windows(source: Series, file: Path | Passed, preparation: Preparation) -> LastWindows:
    """The last window of every group of a file, or of a passed frame. Raises DataError.

    The file has the columns of the preparation, the time and the groups. Values to predict are not
    needed. Groups with fewer rows, and with a gap in time in them, are left out.
    """
    passed = None if isinstance(file, Path) else file
    if isinstance(file, Path):
        source = source.model_copy(update={"path": FilePath(file)})
    rows = read_timed(source, Path(), preparation, (), passed)
    calendar = rows.calendar
    cut = Cut(source.history, 0, 0, bridge=source.bridge)
    ends = np.cumsum(calendar.sizes())
    complete = np.isin(ends - source.history, calendar.starts(cut))
    if not complete.any():
        shown, history = rows.frame.file.shown, f"{source.history:,} rows"
        message = f"no group of {shown} ends in {history} without a gap in time"
        raise DataError(message, "predict from a file with more rows")
    firsts = (ends - source.history)[complete]
    window = calendar.order[firsts[:, np.newaxis] + np.arange(source.history)]
    last = window[:, -1]
    return LastWindows(
        shown=rows.frame.file.shown,
        groups=tuple(np.array(rows.groups.texts, object)[complete].tolist()),
        keys=tuple(_keys(rows, int(row)) for row in last),
        times=tuple(rows.written_time(int(row)) for row in last),
        ahead=_ahead(rows, last, complete),
        kind=rows.kinds[source.time],
        values={name: rows.values[name][window] for name in rows.features},
        remarks=_left_out(rows, complete.tolist()),
    )


def _keys(rows: TimedRows, row: int) -> tuple[str, ...]:
    """The values of the columns that name the group of a row."""
    columns = [rows.values[name] for name in rows.source.group]
    return tuple(column.text(row) for column in columns if isinstance(column, Coded))


def _ahead(
    rows: TimedRows, last: NDArray[np.int64], complete: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The times (g, horizon) that are predicted after the last rows of groups."""
    source, usual = rows.source, rows.calendar.usual()
    known = usual[~np.isnan(usual)]
    if not known.size:
        message = f"{rows.frame.file.shown} has one row for each group, and no distance in time"
        raise DataError(message, "predict from a file with two rows of a group or more")
    distances = np.where(np.isnan(usual), np.median(known), usual)[complete]
    steps = source.gap + 1 + np.arange(source.horizon)
    return rows.times[last][:, np.newaxis] + distances[:, np.newaxis] * steps


def _left_out(rows: TimedRows, complete: list[bool]) -> tuple[str, ...]:
    names = [text for text, kept in zip(rows.groups.texts, complete, strict=True) if not kept]
    if not names:
        return ()
    history = rows.source.history
    return (f"no {history:,} rows without a gap at the end, and no prediction: {listed(names)}",)
