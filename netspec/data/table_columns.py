"""What is in the columns of a user's table: their kinds, ranges, categories and missing values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from netspec.data.coded import Coded
from netspec.data.preparation import DAY, MISSING, Values

MAX_SHOWN = 5
"""How many categories are named."""


@dataclass(frozen=True)
class TableColumn:
    """A column of a table: number, category or time.

    `different` counts the values that differ, without missing ones. `minimum`, `maximum` and `mean`
    are of numbers and times (seconds since 1970); None where there are none. `whole` is whether all
    numbers are whole. `categories` are the most frequent texts.
    """

    name: str
    kind: str
    rows: int
    missing: int
    different: int
    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    whole: bool = False
    categories: tuple[str, ...] = ()


def describe_columns(
    values: Mapping[str, Values], kinds: Mapping[str, str]
) -> tuple[TableColumn, ...]:
    """What is in the values (n,) of every column."""
    return tuple(_described(name, kinds[name], column) for name, column in values.items())


def _described(name: str, kind: str, values: Values) -> TableColumn:
    rows = len(values)
    if isinstance(values, Coded):
        counts = {
            text: int(count) for text, count in zip(values.texts, values.counts(), strict=True)
        }
        missing = counts.pop(MISSING, 0)
        present = {text: count for text, count in counts.items() if count}
        frequent = sorted(present, key=lambda text: (-present[text], text))[:MAX_SHOWN]
        return TableColumn(name, kind, rows, missing, len(present), categories=tuple(frequent))
    known = values[np.isfinite(values)]
    missing = int(np.count_nonzero(np.isnan(values)))
    if not known.size:
        return TableColumn(name, kind, rows, missing, 0)
    whole = bool((known == np.floor(known)).all())
    limits = float(known.min()), float(known.max()), float(known.mean())
    return TableColumn(name, kind, rows, missing, len(np.unique(known)), *limits, whole)


def time_text(seconds: float) -> str:
    """A time as a date, with the time of the day where it is not midnight.

    >>> time_text(86400.0)
    '1970-01-02'
    """
    try:
        time = datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # a year that Python does not have
        return f"{seconds:g} s"
    return time.strftime("%Y-%m-%d" if seconds % DAY == 0 else "%Y-%m-%d %H:%M")
