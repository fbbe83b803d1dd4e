"""What is in the data of a spec: parts, columns, classes, equal examples and warnings.

Columns are measured as they are stored, each read once and a part of it at a time. Parts, classes
and examples are as training gets them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from math import prod
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.classes import class_counts, ignored_count, names_of_classes
from netspec.data.loading import (
    Dataset,
    completed,
    data_of,
    dataset_of,
    open_table,
    request_of,
)
from netspec.data.location import check_files
from netspec.data.preparation import PreparedColumn, Values
from netspec.data.record import PART_BYTES
from netspec.data.sources.table import TableFiles
from netspec.data.suspicious import equal_examples, repeated, sampled, suspicions
from netspec.data.table import PARTS, Column, Table
from netspec.data.table_columns import TableColumn, describe_columns, time_text
from netspec.data.targets import objectives_of
from netspec.network import Network
from netspec.text.diagnostics import DataError

if TYPE_CHECKING:
    from netspec.data.tables import TableRows

MAX_FEATURES = 100
"""The maximum number of features that are measured separately; more are pixels or steps."""

EXAMPLES = 3
"""How many training examples are shown."""

MAX_VALUES = 12
"""The maximum number of values in an example that is shown."""


@dataclass(frozen=True)
class Part:
    """The examples for a purpose; `drawn` ones were among the training examples of the source."""

    name: str
    examples: int
    drawn: bool = False


@dataclass(frozen=True)
class Range:
    """The finite values of an array: None where there are none. `missing` counts NaN."""

    minimum: float | None
    maximum: float | None
    mean: float | None
    missing: int
    infinite: int


@dataclass(frozen=True)
class ColumnFacts:
    """A column (examples, *shape) of a part, and the range of each feature of a short vector."""

    name: str
    part: str
    examples: int
    shape: tuple[int, ...]
    dtype: str
    range: Range
    features: tuple[Range, ...] = ()


@dataclass(frozen=True)
class Classes:
    """The number of targets of every class, in every part, for an output.

    Targets of the `ignored_label` are in no class; `ignored` is their number in every part.
    """

    output: str
    names: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    ignored_label: int | None = None
    ignored: dict[str, int] = field(default_factory=dict[str, int])


@dataclass(frozen=True)
class Repeated:
    """How many examples of a part are equal to training examples; in training, to earlier ones.

    `compared` is the number of the examples that were compared.
    """

    part: str
    count: int
    compared: int


@dataclass(frozen=True)
class Facts:
    """The data of a spec. With an `error` they cannot be used, and less is known.

    `fields` are the columns of the user's table of rows; `columns` are what they become.
    """

    network: str
    dataset: str
    parts: tuple[Part, ...]
    columns: tuple[ColumnFacts, ...]
    classes: tuple[Classes, ...] = ()
    examples: tuple[dict[str, Any], ...] = ()  # Any: JSON data
    repeated: tuple[Repeated, ...] = ()
    fields: tuple[TableColumn, ...] = ()
    preparation: tuple[PreparedColumn, ...] = ()
    warnings: tuple[str, ...] = ()
    error: DataError | None = None

    def to_json(self) -> dict[str, Any]:  # Any: JSON data
        """The same as JSON data."""
        error = self.error and {"message": self.error.message, "help": self.error.help}
        preparation = [column.model_dump(mode="json") for column in self.preparation]
        return asdict(replace(self, error=None, preparation=())) | {
            "preparation": preparation,
            "error": error,
        }


def inspect(network: Network) -> tuple[Facts, Dataset | None]:
    """The facts about a network's data, and the data where they can be used.

    Raises DataError where they cannot be opened.
    """
    about = network.spec.name, data_of(network).dataset
    known, of_rows = Facts(*about, (), ()), _read_rows(network)
    if of_rows is not None:
        fields, rows = _of_rows(of_rows, network)
        known = replace(known, fields=fields, examples=rows)
    try:
        table = open_table(network) if of_rows is None else _table_of(of_rows, network)
    except DataError as error:
        if known.fields:
            return replace(known, error=error), None
        raise
    columns = tuple(_columns(table))
    opened = replace(
        known,
        parts=tuple(
            {column.part: Part(column.part, column.examples) for column in columns}.values()
        ),
        columns=columns,
        preparation=table.preparation.columns if table.preparation else (),
        warnings=table.remarks,
    )
    try:
        dataset = dataset_of(table, network)
    except DataError as error:
        return replace(opened, error=error), None
    facts = replace(
        opened,
        parts=tuple(_parts(dataset, table)),
        classes=tuple(_classes(dataset, network)),
        examples=known.examples or tuple(_examples(table)),
        repeated=tuple(_repeated(dataset)),
        warnings=tuple(suspicions(dataset, network)),
    )
    return facts, dataset


def _read_rows(network: Network) -> TableRows | None:
    """The columns of a table's files; None for other data. Raises DataError."""
    source = data_of(network)
    if not isinstance(source, TableFiles):
        return None
    from netspec.data.tables import read_rows  # which imports pyarrow

    check_files(network)
    return read_rows(source, network.folder, request_of(network))


def _table_of(rows: TableRows, network: Network) -> Table:
    from netspec.data.tables import table_of

    source = data_of(network)
    assert isinstance(source, TableFiles)
    return completed(table_of(source, rows, request_of(network)), network)


def _of_rows(
    rows: TableRows, network: Network
) -> tuple[tuple[TableColumn, ...], tuple[dict[str, Any], ...]]:
    """The columns and the first rows of the file of a table that is trained with."""
    source, frame = data_of(network), rows.to_train
    names = [*rows.kinds, *filter(None, [source.target])]
    values = {name: frame.values[name] for name in names}
    first = {name: column[:EXAMPLES] for name, column in values.items()}
    shown = tuple(
        {name: _value_of(column, place, frame.kinds[name]) for name, column in first.items()}
        for place in range(min(EXAMPLES, len(frame)))
    )
    return describe_columns(values, frame.kinds), shown


def _value_of(column: Values, place: int, kind: str) -> Any:  # Any: JSON data
    """A value of a table: a text, a number, a time as a text, or None where it is missing."""
    value = np.asarray(column)[place]
    if isinstance(value, str):
        return value or None
    number = float(value)
    if np.isnan(number):
        return None
    return time_text(number) if kind == "time" else number


def _parts(dataset: Dataset, table: Table) -> Iterator[Part]:
    yield Part("train", len(dataset.train))
    if dataset.validation is not None:
        yield Part("validation", len(dataset.validation), drawn="validation" not in table.splits)
    yield Part("test", len(dataset.test), drawn=table.draws_test)


def _columns(table: Table) -> Iterator[ColumnFacts]:
    for part in PARTS:
        for column in table.splits.get(part, ()):
            yield _column(column, part)


def _column(column: Column, part: str) -> ColumnFacts:
    shape = tuple(column.shape)
    width = shape[0] if len(shape) == 1 and shape[0] <= MAX_FEATURES else 1
    ranges = _ranges(column, width)
    features = ranges if len(shape) == 1 and width == shape[0] else ()
    count, dtype = len(column), column.dtype.name
    values = width * len(column) if features else len(column) * prod(shape)
    whole = _merged(ranges, values // width if width else 0)
    return ColumnFacts(column.name, part, count, shape, dtype, whole, features)


def _merged(ranges: tuple[Range, ...], values: int) -> Range:
    """The range of all features, each of which has so many values."""
    known = [range for range in ranges if range.mean is not None]
    counts = [values - range.missing - range.infinite for range in known]
    total = sum(count * (range.mean or 0) for count, range in zip(counts, known, strict=True))
    return Range(
        min((range.minimum for range in known if range.minimum is not None), default=None),
        max((range.maximum for range in known if range.maximum is not None), default=None),
        total / sum(counts) if known else None,
        sum(range.missing for range in ranges),
        sum(range.infinite for range in ranges),
    )


def _ranges(column: Column, width: int) -> tuple[Range, ...]:
    """The range of every feature, for values that are (…, width)."""
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    total, missing = np.zeros(width), np.zeros(width, np.int64)
    infinite, values = np.zeros(width, np.int64), 0
    size = max(1, PART_BYTES // max(1, column.dtype.itemsize * prod(column.shape)))
    for start in range(0, len(column), size):
        part = np.asarray(column.values[start : start + size])
        rows = np.ascontiguousarray(part.reshape(-1, width).T)
        values += rows.shape[1]
        if not rows.size:
            continue
        finite: NDArray[np.bool_] | bool = True
        if rows.dtype.kind == "f" and not (finite := np.isfinite(rows)).all():
            missing += np.count_nonzero(np.isnan(rows), 1)
            infinite += np.count_nonzero(np.isinf(rows), 1)
            low = np.minimum(low, np.where(finite, rows, np.inf).min(1))
            high = np.maximum(high, np.where(finite, rows, -np.inf).max(1))
            total += np.where(finite, rows, 0).sum(1, np.float64)
        else:
            low, high = np.minimum(low, rows.min(1)), np.maximum(high, rows.max(1))
            total += rows.sum(1, np.float64)
    known = values - missing - infinite
    return tuple(
        Range(
            float(low[place]) if known[place] else None,
            float(high[place]) if known[place] else None,
            float(total[place] / known[place]) if known[place] else None,
            int(missing[place]),
            int(infinite[place]),
        )
        for place in range(width)
    )


def _classes(dataset: Dataset, network: Network) -> Iterator[Classes]:
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    objectives = objectives_of(network)
    for place, objective in enumerate(objectives):
        counts = {
            part: class_counts(examples, place, objective)
            for part, examples in parts.items()
            if examples is not None
        }
        known = {part: count for part, count in counts.items() if count is not None}
        if not known:
            continue
        names = names_of_classes(network, dataset.record.class_names, len(known["train"]))
        by_part = {part: tuple(map(int, count)) for part, count in known.items()}
        ignored = {
            part: ignored_count(examples, place, objective)
            for part, examples in parts.items()
            if examples is not None and objective.ignored_label is not None
        }
        yield Classes(objective.output, names, by_part, objective.ignored_label, ignored)


def _examples(table: Table) -> Iterator[dict[str, Any]]:  # Any: JSON data
    """The first training examples: the columns with few values."""
    columns = [column for column in table.splits["train"] if prod(column.shape) <= MAX_VALUES]
    count = min([EXAMPLES, *map(len, columns)])
    first = {column.name: column.take(np.arange(count)) for column in columns}
    if any(name.startswith("x") for name in first):
        for place in range(count):
            yield {name: values[place].tolist() for name, values in first.items()}


def _repeated(dataset: Dataset) -> Iterator[Repeated]:
    sample = sampled(dataset)
    yield Repeated("train", repeated(sample), len(sample.train))
    equal = {equal.part: equal.count for equal in equal_examples(sample, dataset)}
    for part, examples in (("validation", sample.validation), ("test", sample.test)):
        if examples is not None:
            yield Repeated(part, equal.get(part, 0), len(examples))
