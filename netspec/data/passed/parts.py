"""The parts of data that a Python program passes, and the columns of one part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from netspec.data.table import WEIGHTS, Request
from netspec.language.data import ARRAY_PARTS
from netspec.text.diagnostics import DataError, nearest, one_of

Value: TypeAlias = Any
"""What a program passes: of any package."""

Some = TypeVar("Some")


def by_part(values: Value) -> dict[str, Value] | None:
    """The values of a mapping from parts, such as train and test; None for any other.

    Raises DataError for a name that is no part, beside a training part.
    """
    if not isinstance(values, Mapping) or not values:
        return None
    passed: dict[Any, Value] = dict(values)  # pyright: ignore[reportUnknownArgumentType] - of any values
    unknown = [name for name in passed if name not in ARRAY_PARTS]
    if unknown and isinstance(passed.get("train"), tuple | Mapping):
        meant = nearest(str(unknown[0]), list(ARRAY_PARTS))
        help = f"did you mean {meant!r}?" if meant else f"leave {unknown[0]!r} out"
        message = (
            f"the data have {unknown[0]!r}, and the parts are {one_of(list(ARRAY_PARTS), 'and')}"
        )
        raise DataError(message, help)
    return passed if not unknown else None


def is_one_part(values: Value) -> bool:
    """Whether the values do not divide the examples: of one part, or without a training part."""
    if not isinstance(values, Mapping):
        return True
    names = [str(name).split("_") for name in dict(values)]  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType] - of any values
    of_arrays = [name[1] for name in names if len(name) > 1 and name[0] in ("x", "y", WEIGHTS)]
    parts = {*(by_part(values) or ()), *(name for name in of_arrays if name in ARRAY_PARTS)}
    return "train" not in parts or parts == {"train"}


def with_training(parts: Mapping[str, Some], *, tested: bool) -> dict[str, Some]:
    """The parts by name, the training part first. Raises DataError where it is missing.

    Where the data are only `tested`, the test part takes its place, and the place of the test part.
    """
    if "train" in parts:
        train, others = parts["train"], {**parts}
        del others["train"]
        return {"train": train, **({"test": train} if tested and not others else others)}
    if tested and "test" in parts:
        return {"train": parts["test"], **parts}
    if not parts:
        raise DataError("the data are an empty dict", "pass (x, y), or a dict of parts")
    message = f"the data have {one_of(list(parts), 'and')}, and no train"
    raise DataError(message, "pass the training part too, as in {'train': (x, y), 'test': (x, y)}")


def columns_of(value: Value, request: Request) -> dict[str, Value]:
    """The values by their column, of a part or of one example.

    They are a tuple (x, y) or (x, y, w), a mapping from names, or only x. Raises DataError.
    """
    if isinstance(value, Mapping):
        every = (*request.inputs, *request.labels, WEIGHTS)
        return _named(dict(value), every, "inputs and outputs")  # pyright: ignore[reportUnknownArgumentType] - of any values
    if not isinstance(value, tuple):
        return _of_kind(value, request.inputs, "inputs")
    x, *others = _checked(value)  # pyright: ignore[reportUnknownArgumentType] - of any values
    columns = _of_kind(x, request.inputs, "inputs")
    if others and others[0] is not None:
        columns |= _of_kind(others[0], request.labels, "outputs")
    if len(others) == 2 and others[1] is not None:
        columns[WEIGHTS] = others[1]
    return columns


def _checked(value: tuple[Value, ...]) -> tuple[Value, ...]:
    if 1 <= len(value) <= 3:
        return value
    message = f"a tuple of {len(value):,} is no (x, y) and no (x, y, w)"
    raise DataError(message, "pass the inputs and the labels, as in data=(x, y)")


def _of_kind(value: Value, columns: Sequence[str], kind: str) -> dict[str, Value]:
    """The inputs or the labels by their column."""
    if isinstance(value, Mapping):
        named: dict[Any, Value] = dict(value)  # pyright: ignore[reportUnknownArgumentType] - of any values
        if len(named) == len(columns) == 1:
            return dict(zip(columns, named.values(), strict=True))
        return _named(named, columns, kind)
    if len(columns) == 1:
        return {columns[0]: value}
    actual: str = type(value).__name__
    if isinstance(value, list | tuple):
        in_order: list[Value] = [*value]  # pyright: ignore[reportUnknownArgumentType] - of any values
        if len(in_order) == len(columns):
            return dict(zip(columns, in_order, strict=True))
    names = [_short(column) for column in columns]
    message = f"the network has the {kind} {one_of(names, 'and')}, and gets {actual}"
    raise DataError(message, "pass a dict with an array for each of them, by name")


def _named(values: dict[Any, Value], columns: Sequence[str], kind: str) -> dict[str, Value]:
    """Values by their column, of a mapping from columns or the names of inputs and outputs."""
    known = columns_by_name(columns)
    for name in values:
        if name not in known:
            meant = nearest(str(name), list(known))
            message = f"the data have {name!r}, and the network has the {kind} "
            message += one_of(list(dict.fromkeys(known)), "and")
            raise DataError(message, f"did you mean {meant!r}?" if meant else f"rename {name!r}")
    by_column = {known[name]: value for name, value in values.items()}
    if len(by_column) < len(values):
        message = f"the data have {one_of(list(map(str, values)), 'and')}, two names for the same"
        raise DataError(message, "pass every input and output once")
    return by_column


def columns_by_name(columns: Sequence[str]) -> dict[str, str]:
    """Every column by its name, and by the name of its input or output where only it has that."""
    shorts = [_short(column) for column in columns]
    named = zip(shorts, columns, strict=True)
    unique = {short: column for short, column in named if shorts.count(short) == 1}
    return unique | {column: column for column in columns}


def _short(column: str) -> str:
    """The name of an input or output in the name of its column; its column where it has none."""
    return column.partition("_")[2] or column
