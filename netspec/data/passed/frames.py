"""Data frames that a Python program passes: of pandas, Polars, pyarrow and others, by narwhals."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from typing import Any

from netspec.data.arrow import ArrowArray, ArrowTable, pyarrow
from netspec.data.columnar import in_memory
from netspec.data.frames import FrameFile, reading_of
from netspec.data.passed.parts import Value, by_part, with_training
from netspec.data.passed.values import array_of, is_frame
from netspec.data.sources.rows import WrittenFiles
from netspec.data.sources.text import TextFiles
from netspec.language.data import ARRAY_PARTS, Passed
from netspec.text.diagnostics import DataError


def passed_frames(
    source: WrittenFiles, passed: Passed, target: str | None, *, divided: bool
) -> dict[str | None, FrameFile]:
    """The frames that a program passes, by their part; None is the frame of all parts.

    `target` is the column that the labels of (x, y) become. `divided` is whether the rows or the
    times of one frame are in several parts. The training part is the first. Raises DataError.
    """
    parts = by_part(passed.values)
    if parts is None and (divided or not passed.tested):
        return {None: _file(source, passed.values, target, "the frame")}
    parts = with_training(
        {"train": passed.values} if parts is None else parts, tested=passed.tested
    )
    files: dict[str | None, FrameFile] = {}
    for part, value in parts.items():
        if ARRAY_PARTS[part] in files:
            message = "the data have both val and validation"
            raise DataError(message, "both are the validation part: leave one of them out")
        files[ARRAY_PARTS[part]] = _file(source, value, target, f"the {part} frame")
    return files


def _file(source: WrittenFiles, value: Value, target: str | None, shown: str) -> FrameFile:
    table = _table(source, value, target)
    return FrameFile(in_memory(table, shown), reading_of(source))


def _table(source: WrittenFiles, value: Value, target: str | None) -> ArrowTable:
    """The table of a frame; of (x, y), a frame or texts, with a column of labels."""
    if not isinstance(value, tuple):
        return table_of(value)
    several: list[Value] = [*value]  # pyright: ignore[reportUnknownArgumentType] - of any values
    if len(several) != 2 or target is None:
        what = "has no labels" if target is None else "takes (x, y)"
        message = f"the data set {source.dataset} {what}, and gets a tuple of {len(several):,}"
        raise DataError(message, "pass a data frame with all columns")
    x, y = several
    if isinstance(source, TextFiles) and not _is_table(x):
        x = {source.column: _column(x, "x")}
    table = table_of(x)
    if target in table.column_names:
        message = f"x has the column {target!r}, which is the target"
        raise DataError(message, "pass only the frame, or remove the column from x")
    labels = _column(y, "y")
    if len(labels) != table.num_rows:
        message = f"x has {table.num_rows:,} rows, and y has {len(labels):,}"
        raise DataError(message, "every row needs one label")
    return table.append_column(target, labels)


def table_of(value: Value) -> ArrowTable:
    """A data frame, or columns by their names, as a table of pyarrow. Raises DataError.

    An index of pandas that has a name is a column, as in the files that pandas writes.
    """
    pa, nw = pyarrow(), _narwhals()
    if not _is_table(value):
        actual: str = type(value).__name__
        message = f"the network takes the columns of a table, and gets {actual}"
        raise DataError(message, "pass a data frame, or a dict of arrays by the names of columns")
    try:
        if isinstance(value, Mapping):
            return pa.table(dict(value))  # pyright: ignore[reportUnknownArgumentType] - of any values
        if isinstance(value, pa.RecordBatch):
            return pa.table(value)
        frame = nw.from_native(_with_index(value))
        return (frame.collect("pyarrow") if isinstance(frame, nw.LazyFrame) else frame).to_arrow()
    except (pa.ArrowException, nw.exceptions.NarwhalsError, TypeError, ValueError) as error:
        reason = " ".join(str(error).split())
        message = f"the data are no table: {reason}"
        help = "every column needs a name, values of one type, and all the same number"
        raise DataError(message, help) from None


def _with_index(frame: Value) -> Value:
    """A frame of pandas with the levels of its index that have a name as its first columns."""
    has_index = hasattr(frame, "reset_index")
    names = [name for name in frame.index.names if name is not None] if has_index else []
    return frame.reset_index(level=names) if names else frame


def _is_table(value: Value) -> bool:
    return isinstance(value, Mapping) or is_frame(value)


def _column(value: Value, name: str) -> ArrowArray:
    """The values (n,) of a series, a list, or an array (n,) or (n, 1). Raises DataError."""
    pa, nw = pyarrow(), _narwhals()
    if isinstance(value, pa.Array | pa.ChunkedArray):
        return value
    if is_frame(value):
        table = table_of(value)
        if table.num_columns != 1:
            message = f"{name} is a data frame with {table.num_columns:,} columns"
            raise DataError(message, "pass one column, such as frame['price']")
        return table.column(0)
    series = nw.from_native(value, series_only=True, pass_through=True)
    if isinstance(series, nw.Series):
        return series.to_arrow()
    if isinstance(value, list):  # of texts too, which an array of NumPy makes equally long
        try:
            return pa.array(value)
        except pa.ArrowException as error:
            reason = str(error).partition("\n")[0]
            message = f"{name} has values of several types: {reason}"
            raise DataError(message, "pass a value of one type for every row") from None
    array = array_of(value, name, texts=True)
    if array.ndim == 2 and array.shape[1] == 1:
        array = array[:, 0]
    if array.ndim != 1:
        message = f"{name} is an array with {array.ndim} axes, and a column of a table has one"
        raise DataError(message, "pass a value for every row")
    return pa.array(array)


@cache
def _narwhals() -> Any:  # Any: it is imported when a frame is passed
    """The package narwhals. Raises DataError where it is not installed."""
    try:
        return import_module("narwhals")
    except ModuleNotFoundError as error:
        message = "data frames are read by narwhals, which is not installed"
        raise DataError(message, "pip install 'netspec[data]'") from error
