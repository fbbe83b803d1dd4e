"""How the columns of a table become the inputs of a network; learned from the training data.

A preparation is stored in the record of a run, and an exported file computes it too. The values
of a column are as the user has them: numbers are float64, times float64 in seconds since 1970,
categories are texts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from netspec.data.coded import Coded
from netspec.data.tokens import TextColumn
from netspec.language.layers.tagged import Model

MISSING = ""
"""A category that is missing."""


Texts: TypeAlias = Sequence[str] | NDArray[Any] | Coded
"""The texts (n,) of a column."""

Values: TypeAlias = NDArray[Any] | Coded
"""The values (n,) of a column: float64 or texts."""

ROWS = 1 << 14
"""How many rows are prepared at once: their inputs should fit the cache of a processor."""


class NumberColumn(Model):
    """A number becomes (number - mean) / deviation; one that is missing, NaN, becomes 0.

    The variance is of the population, as in Keras's Normalization and scikit-learn's
    StandardScaler. A column with one value has the deviation 1.
    """

    kind: Literal["number"] = "number"
    name: str
    mean: float
    deviation: Annotated[float, Field(gt=0)]

    @property
    def width(self) -> int:
        """How many values of the input it becomes."""
        return 1

    @classmethod
    def learned(cls, name: str, values: NDArray[np.float64]) -> NumberColumn:
        """The statistics of the values (n,) that are not NaN."""
        known = values[~np.isnan(values)]
        if not known.size:
            return cls(name=name, mean=0, deviation=1)
        deviation = float(known.std())
        return cls(name=name, mean=float(known.mean()), deviation=deviation or 1)

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The input's values (n, …, 1) of numbers (n, …); computed in float64."""
        return _filled(self, np.asarray(values, np.float64))

    def fill(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write the input's values of numbers (n, …) into an array (n, …, 1)."""
        numbers = np.asarray(values, np.float64)
        standard = numbers - self.mean
        standard /= self.deviation
        missing = np.isnan(numbers)
        if missing.any():
            standard[missing] = 0
        out[..., 0] = standard

    def probes(self) -> list[float]:
        """Values that show whether another program computes the same."""
        steps = (0, 1, -1, 2.5, 1e3)
        return [np.nan, *(self.mean + step * self.deviation for step in steps)]


class CategoryColumn(Model):
    """A category becomes zeros with a one at its place; the first place is of unknown categories.

    As Keras's StringLookup with `output_mode: one_hot`. A missing category is `""`: a category
    like others where it is among the training data, else unknown.
    """

    kind: Literal["category"] = "category"
    name: str
    vocabulary: tuple[str, ...]

    @property
    def width(self) -> int:
        """How many values of the input it becomes."""
        return len(self.vocabulary) + 1

    @classmethod
    def learned(cls, name: str, values: Texts) -> CategoryColumn:
        """The categories in the order of their characters."""
        different = values.present() if isinstance(values, Coded) else set(map(str, values))
        return cls(name=name, vocabulary=tuple(sorted(different)))

    def apply(self, values: Texts) -> NDArray[np.float32]:
        """The input's values (n, …, width) of texts (n, …)."""
        return _filled(self, values if isinstance(values, Coded) else np.asarray(values, object))

    def fill(self, values: Texts, out: NDArray[np.float32]) -> None:
        """Write the input's values of texts (n, …) into an array (n, …, width)."""
        out[...] = 0
        np.put_along_axis(out, self.places(values)[..., np.newaxis], 1, -1)

    def places(self, values: Texts) -> NDArray[np.int64]:
        """The places (n, …) of the ones of texts (n, …)."""
        index = {text: place for place, text in enumerate(self.vocabulary, 1)}
        if isinstance(values, Coded):
            places = np.array([index.get(text, 0) for text in values.texts], np.int64)
            return values.mapped(places)
        texts = np.asarray(values, object)
        places = (index.get(text, 0) for text in texts.ravel().tolist())
        return np.fromiter(places, np.int64, texts.size).reshape(texts.shape)

    def probes(self) -> list[str]:
        """Values that show whether another program computes the same."""
        unknown = "".join(self.vocabulary) + "?"
        return [MISSING, unknown, *self.vocabulary]


DAY = 86_400.0  # seconds
WEEK = 7 * DAY
YEAR = 365.2425 * DAY
"""The mean of the Gregorian calendar: within 400 years, a date is shifted by at most two days."""


class TimeColumn(Model):
    """A time becomes how late it is, and where in the year, the week and maybe the day it is.

    The time is in seconds since 1970-01-01 00:00 UTC. It becomes (seconds - mean) / deviation, and
    for every period the sine and the cosine of 2 pi (seconds modulo period) / period, computed in
    float64. The periods are a year of 365.2425 days, a week and, if `daily`, a day. The columns
    are: late, sine and cosine of the year, of the week, of the day. All are 0 where the time is
    missing, NaN.
    """

    kind: Literal["time"] = "time"
    name: str
    mean: float
    deviation: Annotated[float, Field(gt=0)]
    daily: bool
    """Whether the training data have times of day, not only dates."""

    @property
    def periods(self) -> tuple[float, ...]:
        """The periods in seconds, in the order of the input."""
        return (YEAR, WEEK, DAY) if self.daily else (YEAR, WEEK)

    @property
    def width(self) -> int:
        """How many values of the input it becomes."""
        return 1 + 2 * len(self.periods)

    @classmethod
    def learned(cls, name: str, values: NDArray[np.float64]) -> TimeColumn:
        """The statistics of the times (n,) that are not NaN."""
        late = NumberColumn.learned(name, values)
        daily = bool((np.mod(values[~np.isnan(values)], DAY) != 0).any())
        return cls(name=name, mean=late.mean, deviation=late.deviation, daily=daily)

    def apply(self, values: NDArray[Any]) -> NDArray[np.float32]:
        """The input's values (n, …, width) of seconds (n, …); computed in float64."""
        return _filled(self, np.asarray(values, np.float64))

    def fill(self, values: NDArray[Any], out: NDArray[np.float32]) -> None:
        """Write the input's values of seconds (n, …) into an array (n, …, width)."""
        seconds = np.asarray(values, np.float64)
        out[..., 0] = (seconds - self.mean) / self.deviation
        for place, period in enumerate(self.periods):
            turns = seconds / period
            turns -= np.floor(turns)
            turns *= 2 * np.pi
            out[..., 2 * place + 1] = np.sin(turns)
            out[..., 2 * place + 2] = np.cos(turns)
        out[np.isnan(seconds)] = 0

    def probes(self) -> list[float]:
        """Values that show whether another program computes the same."""
        leap_day, before_1970 = 951_868_799.5, -1.25
        steps = (0, 1, -1, 2.5)
        spread = [self.mean + step * self.deviation for step in steps]
        return [np.nan, 0.0, before_1970, leap_day, *spread]


PreparedColumn: TypeAlias = Annotated[
    NumberColumn | CategoryColumn | TimeColumn | TextColumn, Field(discriminator="kind")
]


def _filled(
    column: NumberColumn | CategoryColumn | TimeColumn,
    values: Any,  # Any: the values fit the column
) -> NDArray[np.float32]:
    """The input's values (n, …, width) of the values (n, …) of a column."""
    prepared = np.empty((*np.shape(getattr(values, "codes", values)), column.width), np.float32)
    column.fill(values, prepared)
    return prepared


def learned_column(name: str, kind: str, values: Values) -> PreparedColumn:
    """How a column becomes inputs, learned from its values (n,) of this kind."""
    if isinstance(values, Coded):
        return CategoryColumn.learned(name, values)
    return (TimeColumn if kind == "time" else NumberColumn).learned(name, values)


class Preparation(Model):
    """The columns that become each input of a network, in their order, by the input's column."""

    inputs: dict[str, tuple[PreparedColumn, ...]]
    history: Annotated[int, Field(gt=0)] | None = None
    """How many rows an example of a series has; None where an example is one row."""

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the values of a column after the first, which is of the examples."""
        return () if self.history is None else (self.history,)

    @property
    def columns(self) -> tuple[PreparedColumn, ...]:
        """The columns of all inputs."""
        return tuple(column for columns in self.inputs.values() for column in columns)

    def apply(
        self, values: Mapping[str, Values], rows: NDArray[np.int64] | None = None
    ) -> dict[str, NDArray[np.float32]]:
        """Every input (n, width), by its column, of the values (n,) of the columns by name.

        Values of windows (n, history) become an input (n, history, width).
        `rows` are the indices of the rows that are prepared, all without it.
        """
        return {name: _applied(columns, values, rows) for name, columns in self.inputs.items()}

    def probes(self) -> dict[str, NDArray[Any]]:
        """Values (n, …) that show whether another program computes the same, by the column."""
        of_columns = {column.name: column.probes() for column in self.columns}
        rows = max(map(len, of_columns.values()))
        return {
            name: np.resize(np.array(some), (rows, *self.axes)) for name, some in of_columns.items()
        }


def _applied(
    columns: tuple[PreparedColumn, ...],
    values: Mapping[str, Values],
    rows: NDArray[np.int64] | None,
) -> NDArray[np.float32]:
    """One input (n, …, width) of the values of its columns."""
    first = values[columns[0].name]
    count = len(first if rows is None else rows)
    axes = (first.codes if isinstance(first, Coded) else first).shape[1:]
    prepared = np.empty((count, *axes, sum(column.width for column in columns)), np.float32)
    for start in range(0, count, ROWS):
        block = slice(start, start + ROWS)
        chosen, place = block if rows is None else rows[block], 0
        for column in columns:
            end = place + column.width
            some: Any = values[column.name][chosen]  # Any: the values fit the column
            column.fill(some, prepared[block, ..., place:end])
            place = end
    return prepared
