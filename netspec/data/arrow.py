"""pyarrow, which the extra `data` installs, and the columns of its tables as NumPy arrays."""

from __future__ import annotations

from datetime import datetime
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from netspec.data.coded import Coded
from netspec.data.preparation import MISSING
from netspec.text.diagnostics import DataError

MISSING_TEXTS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN"),
    *("N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null", "?"),
)
"""What is written where a number or a time is missing: pyarrow's list, None and `?`."""

ArrowArray: TypeAlias = Any
"""A ChunkedArray of pyarrow, which ships no types."""

ArrowTable: TypeAlias = Any
"""A Table or a RecordBatch of pyarrow."""


@cache
def pyarrow(module: str = "") -> Any:  # Any: pyarrow ships no types
    """pyarrow, or a module of it. Raises DataError where it is not installed."""
    try:
        return import_module(f"pyarrow.{module}" if module else "pyarrow")
    except ModuleNotFoundError as error:
        message = "tables are read by pyarrow, which is not installed"
        raise DataError(message, "pip install 'netspec[data]'") from error


def kind_of(type_: Any) -> str | None:  # Any: a type of pyarrow
    """number, category or time; None for a type that no column of a network has."""
    is_ = pyarrow("types")
    if is_.is_dictionary(type_) or is_.is_string(type_) or is_.is_large_string(type_):
        return "category"
    if is_.is_string_view(type_):
        return "category"
    if is_.is_boolean(type_) or is_.is_null(type_) or is_.is_decimal(type_):
        return "number"
    if is_.is_integer(type_) or is_.is_floating(type_):
        return "number"
    return "time" if is_.is_temporal(type_) and not is_.is_duration(type_) else None


def numbers(column: ArrowArray) -> NDArray[np.float64]:
    """Numbers (n,) of a column, NaN where a value is missing."""
    pa = pyarrow()
    if not pa.types.is_float64(column.type):
        column = column.cast(pa.float64(), safe=False)
    values = column.to_numpy()
    # An array of one chunk may be a view of memory that Arrow keeps.
    return np.asarray(values, np.float64)


def categories(column: ArrowArray) -> Coded:
    """Texts (n,) of a column, `""` where a value is missing."""
    pa, pc = pyarrow(), pyarrow("compute")
    if pa.types.is_floating(column.type) and pc.all(pc.equal(pc.floor(column), column)).as_py():
        column = column.cast(pa.int64(), safe=False)  # integers of which some are missing
    texts = column.cast(pa.large_string() if pa.types.is_large_string(column.type) else pa.string())
    encoded = texts.fill_null(MISSING).dictionary_encode().combine_chunks()
    codes = encoded.indices.to_numpy(zero_copy_only=False)
    return Coded(tuple(encoded.dictionary.to_pylist()), np.asarray(codes, np.int32))


def times(column: ArrowArray) -> NDArray[np.float64]:
    """Seconds (n,) since 1970 in UTC, NaN where a value is missing."""
    pa = pyarrow()
    if pa.types.is_time(column.type):
        unit = column.type.unit
        whole = column.cast(pa.int32() if unit in ("s", "ms") else pa.int64())
    else:
        if pa.types.is_date(column.type):
            column = column.cast(pa.timestamp("s"))
        unit = column.type.unit
        whole = column.cast(pa.int64())
    seconds = numbers(whole)
    return seconds if unit == "s" else seconds / {"ms": 1e3, "us": 1e6, "ns": 1e9}[unit]


def without_missing(texts: ArrowArray) -> ArrowArray:
    """Texts with null in place of what is written where a time is missing."""
    pa, pc = pyarrow(), pyarrow("compute")
    texts = texts.cast(pa.string())
    return pc.if_else(pc.is_in(texts, pa.array(MISSING_TEXTS)), None, texts)


def parsed_times(texts: ArrowArray, format: str | None) -> ArrowArray:
    """Times of texts, in ISO 8601 or a format of strptime; null where one is not written so."""
    pa, pc = pyarrow(), pyarrow("compute")
    if format is not None:
        parsed = pc.strptime(texts, format=format, unit="us", error_is_null=True)
        return _without_other_months(texts, parsed, format)
    for unit, zone in (("us", None), ("us", "UTC"), ("ns", None), ("ns", "UTC")):
        try:
            return texts.cast(pa.timestamp(unit, zone))
        except pa.ArrowInvalid:
            continue
    return _parsed_one_by_one(texts)


def time_form(format: str | None) -> str:
    """How times are written that `parsed_times` reads, in words."""
    return f"written as {format}" if format else "a time in ISO 8601, such as 2026-01-31 18:30"


def _without_other_months(texts: ArrowArray, parsed: ArrowArray, format: str) -> ArrowArray:
    """Times with null for days that their month has not: Arrow reads 31/02 as the 3rd of March."""
    pa, pc = pyarrow(), pyarrow("compute")
    suspects = pc.unique(texts.filter(pc.less_equal(pc.day(parsed), 3))).to_pylist()
    wrong = [text for text in suspects if _has_other_month(text, format)]
    return pc.if_else(pc.is_in(texts, pa.array(wrong, pa.string())), None, parsed)


def _has_other_month(text: str, format: str) -> bool:
    try:
        datetime.strptime(text, format)  # noqa: DTZ007 - only the day is looked at
    except ValueError as error:
        return "day is out of range" in str(error)
    return False


def _parsed_one_by_one(texts: ArrowArray) -> ArrowArray:
    """Times of texts of which at least one is no time."""
    pa = pyarrow()
    values: list[Any] = []
    for text in texts.to_pylist():
        try:
            values.append(
                None if text is None else pa.scalar(text).cast(pa.timestamp("us")).as_py()
            )
        except pa.ArrowInvalid:
            values.append(None)
    return pa.chunked_array([pa.array(values, pa.timestamp("us"))])
