"""Arrays that a Python program passes, and examples that are read into arrays."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from netspec.data.archive import table_of_parts
from netspec.data.passed.examples import read_examples
from netspec.data.passed.parts import (
    Value,
    by_part,
    columns_by_name,
    columns_of,
    with_training,
)
from netspec.data.passed.values import array_of, check_no_frame, is_array
from netspec.data.table import WEIGHTS, Request, Table, array_name
from netspec.language.data import ARRAY_PARTS
from netspec.text.diagnostics import DataError, listed, nearest


def open_passed(request: Request) -> Table:
    """The table of what a program passes, with columns as an npz file has them. Raises DataError.

    They are a tuple (x, y) or (x, y, w), a mapping from parts to such tuples, a mapping from the
    names of arrays in an npz file, or a data set whose examples are read.
    """
    assert request.passed is not None
    values = request.passed.values
    parts = _arrays(values, request)
    tested = request.passed.tested
    if request.needs_labels:
        _check_labels(parts, request)
    subject = f"the {type(values).__name__}"
    return table_of_parts(with_training(parts, tested=tested), request.required, subject)


def _arrays(values: Value, request: Request) -> dict[str, dict[str, Any]]:  # Any: arrays
    """The arrays by their column and part."""
    if (parts := by_part(values)) is not None:
        return {part: _of_part(some, part, request) for part, some in parts.items()}
    if isinstance(values, Mapping):
        return _of_names(dict(values), request)  # pyright: ignore[reportUnknownArgumentType] - of any values
    return {"train": _of_part(values, "train", request)}


def _check_labels(parts: Mapping[str, Mapping[str, Any]], request: Request) -> None:
    """Raise DataError where a part has no labels."""
    for part, columns in parts.items():
        if not any(label in columns for label in request.labels):
            help = "pass (x, y); for an autoencoder, write `target: input` into data of the spec"
            raise DataError(f"the {part} data have no labels", help)


def _of_part(value: Value, part: str, request: Request) -> dict[str, Any]:  # Any: arrays
    """The arrays of a part by their column."""
    if request.needs_labels:
        check_no_frame(value)
    if not isinstance(value, tuple | Mapping) and not is_array(value):
        return read_examples(value, part, request)
    columns = columns_of(value, request)
    return {
        column: array_of(some, array_name(column, part), texts=column in request.labels)
        for column, some in columns.items()
    }


def _of_names(values: dict[Any, Value], request: Request) -> dict[str, dict[str, Any]]:
    """The arrays by their column and part, of a mapping from names as in an npz file.

    A name without a part is an array of the training part.
    """
    columns = (*request.inputs, *request.labels, WEIGHTS)
    known = {name: ("train", column) for name, column in columns_by_name(columns).items()}
    for part in ARRAY_PARTS:
        known |= {array_name(column, part): (part, column) for column in columns}
    parts: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        if name not in known:
            expected = [array_name(column, "train") for column in columns]
            meant = nearest(str(name), [*known, *ARRAY_PARTS])
            message = f"the data have {name!r}, which is no name of an array"
            help = f"did you mean {meant!r}? " if meant else ""
            raise DataError(message, f"{help}there are {listed(expected)}, and the same for test")
        part, column = known[name]
        if column in parts.setdefault(part, {}):
            message = f"the data have {name!r} and {column!r}, two names for the same array"
            raise DataError(message, "pass every array once")
        parts[part][column] = array_of(value, str(name), texts=column in request.labels)
    return parts
