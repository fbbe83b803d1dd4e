"""The data set `series`: rows in the order of time become windows, numbers to predict and parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from netspec.data.calendar import Cut, Indices
from netspec.data.dates import written_distance, written_time
from netspec.data.oddities import FileColumns, oddities, unknown_categories
from netspec.data.preparation import Preparation, learned_column
from netspec.data.rows import check_width
from netspec.data.sources.series import Series
from netspec.data.split import note_of_test
from netspec.data.table import Column, Request, Table
from netspec.data.timed import TimedRows, read_timed
from netspec.data.windows import windows
from netspec.text.diagnostics import DataError, listed


def open_series(source: Series, folder: Path, request: Request) -> Table:
    """The windows of a spec's file as a table of the columns x and y. Raises DataError.

    `folder` is the folder that the path is relative to.
    """
    rows = read_timed(source, folder, request.preparation, source.target, request.passed)
    calendar = rows.calendar
    cut = Cut(source.history, source.gap, source.horizon, source.step, source.bridge)
    targets = _targets(rows)
    starts, unknown = _with_targets(calendar.starts(cut), targets, cut)
    parts = _parts(rows, cut, starts, request)
    covered = {
        part: calendar.order[calendar.covered(some, cut.length)] for part, some in parts.items()
    }
    preparation = request.preparation or _learned(rows, covered["train"])
    remarks = [*_remarks(rows, cut, unknown)]
    if request.preparation is None:
        remarks += _oddities(rows, covered, preparation)
    check_width(preparation, request, remarks, before=(cut.history,))
    inputs, labels = preparation.apply(rows.values, calendar.order)["x"], targets.astype(np.float32)
    splits: dict[str, tuple[Column, ...]] = {}
    for part, some in parts.items():
        predicted = windows(labels, some + cut.history + cut.gap, cut.horizon)
        splits[part] = (
            Column("x", windows(inputs, some, cut.history)),
            Column("y", predicted.reshape(-1, *source.values)),
        )
    return Table(splits, None, tuple(remarks), preparation, _notes(source, parts["test"]))


def _notes(source: Series, test: Indices) -> tuple[str, ...]:
    """A sentence about the test part, where the spec does not describe it."""
    if "test" in source.model_fields_set:
        return ()
    windows = f"{len(test):,} window{'s' if len(test) > 1 else ''}"
    return (note_of_test(f"the last fifth of the rows in time, {windows}"),)


def _targets(rows: TimedRows) -> NDArray[np.float64]:
    """The numbers to predict (n, targets) in the order of the calendar."""
    columns = [np.asarray(rows.values[name]) for name in rows.source.target]
    return np.stack(columns, -1)[rows.calendar.order]


def _with_targets(starts: Indices, targets: NDArray[np.float64], cut: Cut) -> tuple[Indices, int]:
    """The windows that have every number to predict, and how many have not."""
    missing = np.concatenate([[0], np.cumsum(np.isnan(targets).any(-1))])
    first = starts + cut.length - cut.horizon
    known = missing[first + cut.horizon] == missing[first]
    return starts[known], int(np.count_nonzero(~known))


def _parts(rows: TimedRows, cut: Cut, starts: Indices, request: Request) -> dict[str, Indices]:
    """The windows of every part. Raises DataError where one has none."""
    calendar = rows.calendar
    if not starts.size:
        raise _no_windows(rows, cut)
    test = calendar.boundary(rows.source.test.fraction)
    begin = {"train": -np.inf}
    if request.kept:
        begin["validation"] = calendar.boundary(request.kept.fraction, test)
    begin["test"] = test
    parts = calendar.parts(starts, cut, begin)
    for part, some in parts.items():
        if not some.size:
            name = "training" if part == "train" else part
            message = f"no window of {cut.length:,} rows is in the {name} part"
            kind = rows.kinds[rows.source.time]
            times = [
                f"the {name} part begins at {written_time(time, kind)}"
                for name, time in begin.items()
                if np.isfinite(time)
            ]
            help = "change its `fraction`, or write a smaller history or horizon"
            raise DataError(message, help, times)
    return parts


def _no_windows(rows: TimedRows, cut: Cut) -> DataError:
    longest = int(rows.calendar.sizes().max())
    shown = rows.frame.file.shown
    if longest < cut.length:
        more = " in a group" if rows.source.group else ""
        message = f"a window has {cut.length:,} rows, and {shown} has at most {longest:,}{more}"
        return DataError(message, "write a smaller history or horizon")
    if rows.calendar.starts(cut).size:
        message = f"every window in {shown} has a missing {listed(rows.source.target)} to predict"
        return DataError(message, "write its values, or a smaller horizon")
    message = f"every window of {cut.length:,} rows in {shown} has a gap in time"
    return DataError(message, "write `bridge: true` in data, or a smaller history or horizon")


def _learned(rows: TimedRows, of_training: Indices) -> Preparation:
    """What the rows of the training windows teach."""
    columns = (
        learned_column(name, rows.kinds[name], rows.values[name][of_training])
        for name in rows.features
    )
    return Preparation(inputs={"x": tuple(columns)}, history=rows.source.history)


def _remarks(rows: TimedRows, cut: Cut, unknown: int) -> Iterator[str]:
    """What is left out, a sentence for each reason."""
    yield from (f"{line}; it is left out" for line in rows.frame.broken)
    yield from _short_groups(rows, cut)
    if not cut.bridge:
        yield from _gaps(rows, cut)
    if unknown:
        names = listed(rows.source.target)
        windows_have = "windows have" if unknown > 1 else "window has"
        yield f"{unknown:,} {windows_have} a missing {names} to predict: left out"


def _short_groups(rows: TimedRows, cut: Cut) -> Iterator[str]:
    sizes = rows.calendar.sizes()
    short = [
        f"{text} with {size:,} row{'s' if size > 1 else ''}"
        for text, size in zip(rows.groups.texts, sizes, strict=True)
        if size < cut.length
    ]
    if short:
        yield (
            f"a window has {cut.length:,} rows, and shorter groups are left out: {listed(short)}"
        )


def _gaps(rows: TimedRows, cut: Cut) -> Iterator[str]:
    calendar = rows.calendar
    gaps = calendar.gaps()
    bridged = calendar.starts(replace(cut, bridge=True))
    before = np.concatenate([[0], np.cumsum(np.isin(np.arange(len(calendar)), gaps))])
    lost = np.count_nonzero(before[bridged + cut.length - 1] > before[bridged])
    if not lost:
        return
    kind = rows.kinds[rows.source.time]
    distances, usual = np.diff(calendar.times)[gaps], calendar.usual()[calendar.groups[gaps]]
    longest = int((distances / usual).argmax())
    row = int(calendar.order[gaps[longest]])
    of = f" of {rows.group_of(row)}" if rows.source.group else ""
    times = f"{len(gaps):,} gaps in time, the longest" if len(gaps) > 1 else "a gap in time,"
    yield (
        f"there {'are' if len(gaps) > 1 else 'is'} {times} of "
        f"{written_distance(distances[longest], kind)} after {rows.written_time(row)}{of}, where "
        f"the usual distance is {written_distance(usual[longest], kind)}; {lost:,} "
        f"{'windows' if lost > 1 else 'window'} with a gap left out; `bridge: true` in data keeps "
        "them"
    )


def _oddities(
    rows: TimedRows, covered: Mapping[str, Indices], preparation: Preparation
) -> Iterator[str]:
    """What is odd about the columns, and about the rows of a part."""
    features = {name: rows.values[name] for name in rows.features}
    inferred = frozenset(features) - frozenset(rows.source.types)
    yield from oddities(FileColumns(features, inferred, rows.place), None)
    for part, rows_of_part in covered.items():
        if part != "train":
            yield from unknown_categories(part, rows.values, rows_of_part, preparation)
