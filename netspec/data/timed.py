"""Files of rows with a time and maybe a group, of which a series is made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.calendar import Calendar
from netspec.data.coded import Coded
from netspec.data.dates import check_numbers, times_of, written_time
from netspec.data.frames import Frame, FrameFile, open_frame, read_frame, reading_of
from netspec.data.passed.frames import passed_frames
from netspec.data.preparation import Preparation, Values
from netspec.data.rows import check_finite
from netspec.data.sources.series import Series
from netspec.language.data import Passed
from netspec.text.diagnostics import DataError


@dataclass(frozen=True)
class TimedRows:
    """The rows of a file, in its order: the columns (n,) by name, and their kinds.

    `groups` are the texts of the groups, such as `sensor a`. `calendar` is the order in time.
    """

    source: Series
    frame: Frame
    features: tuple[str, ...]
    values: Mapping[str, Values]
    kinds: Mapping[str, str]
    times: NDArray[np.float64]
    groups: Coded
    calendar: Calendar

    def place(self, row: int) -> str:
        """Where a row is, for a message."""
        return self.frame.file.place(row)

    def group_of(self, row: int) -> str:
        """The group of a row in a message."""
        return self.groups.text(row) or self.frame.file.shown

    def written_time(self, row: int) -> str:
        """The time of a row in a message."""
        return written_time(float(self.times[row]), self.kinds[self.source.time])


def read_timed(
    source: Series,
    folder: Path,
    preparation: Preparation | None,
    targets: tuple[str, ...],
    passed: Passed | None = None,
) -> TimedRows:
    """The rows of the file of a series, with the columns to predict. Raises DataError.

    The features are the columns of a preparation, where there is one. `passed` are read instead of
    the file.
    """
    file = _file(source, folder, passed)
    features = _features(source, file, preparation)
    columns = dict.fromkeys([*features, source.time, *source.group, *targets])
    learned = preparation.columns if preparation else ()
    kinds = source.declared_kinds | {column.name: str(column.kind) for column in learned}
    kinds |= dict.fromkeys(source.group, "category")
    frame = read_frame(file, [*columns], kinds, skips_broken=source.on_error == "skip")
    kinds = dict(frame.kinds)
    for name in targets:
        if kinds[name] != "number":
            message = f"{name} is a {kinds[name]} in {file.shown}, and a series predicts numbers"
            raise DataError(message, "name another target, or correct its values")
    values = dict(frame.values)
    times = values[source.time]
    if isinstance(times, Coded):
        times = values[source.time] = times_of(source.time, times, file.place)
        kinds[source.time] = "time"
    elif kinds[source.time] == "number" and source.time not in source.types:
        check_numbers(source.time, times)
    check_finite(values, frame)
    groups = _groups(source, values, frame)
    calendar = Calendar.of(times, groups.codes.astype(np.int64))
    rows = TimedRows(source, frame, features, values, kinds, times, groups, calendar)
    _check_times(rows)
    return rows


def _file(source: Series, folder: Path, passed: Passed | None) -> FrameFile:
    """The file of a spec, or the frame that a program passes. Raises DataError."""
    if passed is None:
        assert source.path is not None
        return open_frame(folder / source.path, source.path, reading_of(source))
    files = passed_frames(source, passed, None, divided=True)
    if None not in files:
        message = "a series is one frame, which netspec divides at a time, and gets several parts"
        raise DataError(message, "pass one frame with the rows of all parts")
    return files[None]


def _features(source: Series, file: FrameFile, preparation: Preparation | None) -> tuple[str, ...]:
    """The columns that become the input, in their order."""
    if preparation:
        return tuple(column.name for column in preparation.columns)
    named = [source.time, *source.target, *source.group, *source.exclude, *source.types]
    file.check_columns([*named, *(source.features or ())])
    if source.features is not None:
        return source.features
    others = {source.time, *source.group, *source.exclude}
    features = tuple(name for name in file.names if name not in others)
    if not features:
        message = f"{file.shown} has no columns to predict from"
        raise DataError(message, "name them, as `features: [temperature]`")
    return features


def _groups(source: Series, values: Mapping[str, Values], frame: Frame) -> Coded:
    """The group of every row, in the order of their texts; `""` where no column is named."""
    codes, count = np.zeros(len(frame), np.int64), 1
    for name in source.group:
        column = values[name]
        assert isinstance(column, Coded)
        missing = column.where(lambda text: not text.strip())
        if missing.any():
            place = frame.file.place(int(np.flatnonzero(missing)[0]))
            raise DataError(f"{place}: there is no {name}", f"write the {name} into every row")
        codes, count = codes * len(column.texts) + column.codes, count * len(column.texts)
    _, examples, groups = np.unique(codes, return_index=True, return_inverse=True)
    texts = [
        ", ".join(f"{name} {_text(values[name], row)}" for name in source.group) for row in examples
    ]
    order = sorted(range(len(texts)), key=texts.__getitem__)
    places = np.argsort(order).astype(np.int32)
    return Coded(tuple(texts[place] for place in order), places[groups])


def _text(values: Values, row: int) -> str:
    assert isinstance(values, Coded)
    return values.text(row)


def _check_times(rows: TimedRows) -> None:
    """Raise DataError where a row has no time, or the time of another row of its group."""
    name, calendar = rows.source.time, rows.calendar
    missing = np.flatnonzero(np.isnan(rows.times))
    if missing.size:
        message = f"{rows.place(int(missing[0]))}: {name} is missing"
        raise DataError(message, "write the time into every row")
    repeated = calendar.repeated()
    if repeated.size:
        first, second = map(int, calendar.order[repeated[0] - 1 : repeated[0] + 1])
        message = f"{rows.place(second)}: {rows.group_of(second)} has the {name} "
        message += f"{rows.written_time(second)} twice, first in {rows.place(first)}"
        more = [f"{len(repeated):,} rows repeat a time"] if len(repeated) > 1 else []
        help = "keep one row for each time, or name what distinguishes them, as `group: COLUMN`"
        raise DataError(message, help, more)
