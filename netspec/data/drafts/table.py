"""A spec for a CSV, Parquet or Arrow file: the kinds of its columns, its target and a network."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from netspec.data.coded import Coded
from netspec.data.delimited import TextFormat
from netspec.data.drafts.text import Texts, are_sentences, draft_texts
from netspec.data.drafts.writing import (
    Draft,
    Place,
    Training,
    class_training,
    in_comment,
    kept_for_validation,
    number_training,
    plural,
    quoted,
    write_classes,
    write_head,
    write_numbers,
    write_training,
)
from netspec.data.frames import Frame, FrameFile, Reading, open_frame, read_frame
from netspec.data.overview import field_values
from netspec.data.preparation import Values
from netspec.data.sources.rows import TimeFormat
from netspec.data.sources.table import TableFiles
from netspec.data.table import Request, Table
from netspec.data.table_columns import TableColumn, describe_columns
from netspec.data.tables import read_rows, table_of
from netspec.text.diagnostics import DataError
from netspec.text.writer import flow

MAX_CLASSES = 10
"""The maximum number of different whole numbers that are classes, not quantities."""

MAX_CATEGORIES = 100
"""The maximum number of categories of a feature."""

MAX_WRITTEN = 60
"""How many characters of the values of a column are in a comment."""

LARGE = 2_000
"""From this number of rows on, layers are wider."""

_DECIMAL = re.compile(r"[+-]?\d+(,\d+)?")
_DATE = re.compile(r"(\d{1,2})([./-])(\d{1,2})\2(\d{4})")


@dataclass(frozen=True)
class _Feature:
    """A column and the kind that the spec writes; with a `reason` it is left out."""

    column: TableColumn
    kind: str | TimeFormat
    reason: str = ""


def draft_table(name: str, place: Place, target: str | None) -> Draft:
    """A spec for the columns of a table. Raises DataError."""
    shown = place.relative
    file = open_frame(place.path, shown, Reading())
    label = _target(file, target)
    frame = read_frame(file, file.names, {})
    if _has_decimal_commas(frame.values):
        file = open_frame(place.path, shown, Reading(TextFormat(decimal=",")))
        frame = read_frame(file, file.names, {})
    columns = {column.name: column for column in describe_columns(frame.values, frame.kinds)}
    features = [
        _feature(column, frame.values[name]) for name, column in columns.items() if name != label
    ]
    of_classes = _are_classes(columns[label])
    if (text := _only_text(features, frame.values)) is not None:
        values = np.asarray(frame.values[label])
        labels = values.astype(str) if of_classes else values
        column = [str(value) for value in np.asarray(frame.values[text])]
        return draft_texts(name, place, Texts(column, labels.tolist(), text, label))
    source = _source(shown, label, features, file.reading)
    table, training = _trained(source, place, frame, of_classes=of_classes)
    seen = (
        f"{plural(len(frame), 'row')} and {plural(len(columns), 'column')} in {shown}",
        _about_target(columns[label], table, of_classes=of_classes),
    )
    return Draft(_text(name, seen, table, features, source, training), seen)


def _target(file: FrameFile, target: str | None) -> str:
    if target is None:
        help = f"name the column to predict, as in `--target {file.names[-1]}`"
        message = f"{file.shown} has the columns {file.listed_names}, and no target is named"
        raise DataError(message, help)
    file.check_columns([target])
    return target


def _has_decimal_commas(values: Mapping[str, Values]) -> bool:
    """Whether a column has only texts that are numbers with a comma before the fraction."""
    return any(
        isinstance(column, Coded)
        and any("," in text for text in column.texts)
        and all(_DECIMAL.fullmatch(text) for text in column.texts if text)
        for column in values.values()
    )


def _feature(column: TableColumn, values: Values) -> _Feature:
    """The kind of a feature, or why it is left out."""
    if column.different == 0:
        return _Feature(column, column.kind, "it has no values")
    if column.different == 1 and not column.missing:
        return _Feature(column, column.kind, "it has only one value")
    if isinstance(values, Coded):
        return _category(column, [text for text in values.texts if text])
    consecutive = (column.maximum or 0) - (column.minimum or 0) == column.rows - 1
    if column.kind == "number" and column.whole and column.different == column.rows and consecutive:
        return _Feature(column, "number", "it numbers the rows")
    return _Feature(column, column.kind)


def _category(column: TableColumn, texts: Sequence[str]) -> _Feature:
    dates = [_DATE.fullmatch(text) for text in texts]
    if texts and all(dates):
        first, second = (max(int(date[group]) for date in dates if date) for group in (1, 3))
        if first <= 12 and second <= 12:
            return _Feature(column, "time", "it is not clear whether the day or the month is first")
        order = "%d{0}%m{0}%Y" if first > 12 else "%m{0}%d{0}%Y"
        return _Feature(column, TimeFormat(time=order.format(texts[0].strip("0123456789")[0])))
    if column.different == column.rows - column.missing:
        return _Feature(column, "category", "all its values are different: an identifier or a text")
    if column.different > MAX_CATEGORIES:
        return _Feature(column, "category", f"it has {column.different:,} different texts")
    return _Feature(column, "category")


def _only_text(features: Sequence[_Feature], values: Mapping[str, Values]) -> str | None:
    """The only column of sentences of a table without other features."""
    names = [item.column.name for item in features]
    texts = [name for name in names if isinstance(values[name], Coded)]
    sentences = [name for name in texts if are_sentences(_different(values[name]))]
    others = [item for item in features if not item.reason and item.column.name not in sentences]
    return sentences[0] if len(sentences) == 1 and not others else None


def _different(values: Values) -> Sequence[str]:
    return values.texts if isinstance(values, Coded) else ()


def _are_classes(column: TableColumn) -> bool:
    """Whether a target is classes: texts, or a few whole numbers."""
    if column.kind == "category":
        return True
    few = column.different <= min(MAX_CLASSES, column.rows // 2)
    return column.kind == "number" and column.whole and few


def _source(shown: str, target: str, features: Sequence[_Feature], reading: Reading) -> TableFiles:
    types = {item.column.name: item.kind for item in features if not item.reason}
    if not types:
        raise DataError(f"{shown} has no column to predict {target} from", "add columns")
    excluded = tuple(item.column.name for item in features if item.reason)
    fields = {"path": shown, "target": target, "exclude": excluded, "types": types}
    return TableFiles.model_validate(
        {"dataset": "table", "decimal": reading.format.decimal, **fields}
    )


def _trained(
    source: TableFiles, place: Place, frame: Frame, *, of_classes: bool
) -> tuple[Table, Training]:
    """The table as the network gets it, and the training that fits it."""
    kind = "classes" if of_classes else "values"
    request = Request(("x",), ("y",), needs_labels=True, label_kinds=(kind,))
    rows = read_rows(source, place.folder, request, known=frame)
    y = table_of(source, rows, request).required("y", "train").values
    training = number_training(len(y))
    if of_classes:
        training = class_training(len(y), int(np.bincount(np.asarray(y)).min()))
    kept = kept_for_validation(training)
    return table_of(source, rows, replace(request, kept=kept)), training


def _about_target(column: TableColumn, table: Table, *, of_classes: bool) -> str:
    if of_classes:
        return f"{column.name}, the target, has {plural(len(table.class_names or ()), 'class')}"
    return f"{column.name}, the target, is a number: {field_values(column)}"


def _text(
    name: str,
    seen: Sequence[str],
    table: Table,
    features: Sequence[_Feature],
    source: TableFiles,
    training: Training,
) -> str:
    assert table.preparation is not None
    width = sum(column.width for column in table.preparation.columns)
    units = 64 if training.examples >= LARGE else 32
    y = np.asarray(table.required("y", "train").values)
    end = write_classes(len(table.class_names)) if table.class_names else _write_number(y)
    lines = [
        *write_head(name, seen),
        f"input: [{width}]   # a category is one input for each value, and one for unknown values",
        "",
        "layers:",
        f"  - Dense: {{units: {units}, activation: relu}}",
        f"  - Dense: {{units: {units}, activation: relu}}",
        *end,
        "",
        *_data(source, features),
        "",
        *write_training(training),
    ]
    return "\n".join(lines) + "\n"


def _write_number(y: np.ndarray) -> list[str]:
    values = y.astype(np.float64)
    return write_numbers(values.mean(keepdims=True), values.std(keepdims=True))


def _data(source: TableFiles, features: Sequence[_Feature]) -> list[str]:
    """The section `data`, a line with a comment for every column."""
    lines = [
        "# Numbers are standardised with the mean and deviation of the training rows.",
        "# A fifth of the rows is the test part.",
        "data:",
        "  dataset: table",
        f"  path: {quoted(str(source.path))}",
        f"  target: {quoted(str(source.target))}",
    ]
    if source.decimal != ".":
        lines.append(f'  decimal: "{source.decimal}"')
    lines.append("  types:                        # of the columns that become inputs")
    lines += [_column(item) for item in features if not item.reason]
    if source.exclude:
        lines.append("  exclude:                      # columns that are not read")
    for item in features:
        if item.reason:
            lines.append(f"    - {quoted(item.column.name):<25} # {item.reason}")
    return lines


def _column(item: _Feature) -> str:
    kind = item.kind if isinstance(item.kind, str) else f'{{time: "{item.kind.time}"}}'
    missing = f"; {item.column.missing:,} missing" if item.column.missing else ""
    values = in_comment(field_values(item.column))
    values = values if len(values) <= MAX_WRITTEN else f"{values[: MAX_WRITTEN - 1]}…"
    return f"    {f'{flow(item.column.name)}: {kind}':<27} # {values}{missing}"
