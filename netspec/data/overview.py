"""The facts about a data set as text for a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import fill
from typing import Any

from netspec.data.facts import Classes, ColumnFacts, Facts, Part, Range
from netspec.data.preparation import DAY, PreparedColumn
from netspec.data.table_columns import TableColumn, time_text
from netspec.language.layers import written
from netspec.text.diagnostics import one_of, visible
from netspec.text.tables import write_table

WIDTH = 80
GAP = "  "
MAX_NAME = 24
"""How many characters of a name are shown."""

MAX_VALUES = 26
"""How many characters of the values of a column are shown."""

MAX_ROWS = 20
"""How many classes, features or prepared columns are shown."""

MAX_BAR = 40
"""The maximum length of a bar."""

MAX_CATEGORIES = 5
"""How many categories of a column are shown."""

PART_TITLES = {"train": "Train", "validation": "Validation", "test": "Test"}
MORE = "{:,} more; --json lists all"


def overview(facts: Facts) -> str:
    """All facts except the warnings: tables with an empty line between them."""
    paragraphs = [f"{facts.network}: the data set {facts.dataset}"]
    if facts.parts:
        paragraphs += [_parts(facts.parts), _columns(facts.columns)]
    if facts.fields:
        paragraphs.append(_fields(facts.fields))
    if facts.preparation:
        paragraphs.append(_preparation(facts.preparation))
    else:
        paragraphs += [_features(column) for column in facts.columns if _has_features(column)]
    paragraphs += [_classes(classes) for classes in facts.classes]
    if facts.examples:
        title = "The first rows" if facts.fields else "The first training examples"
        paragraphs.append("\n".join([title, *_examples(facts.examples)]))
    if facts.repeated:
        paragraphs.append("\n".join(_repeated(facts)))
    return "\n\n".join(paragraphs)


def warnings(facts: Facts) -> str:
    """The warnings, a paragraph for each; or that there are none."""
    if not facts.warnings:
        return "No warnings"
    return "\n".join(
        fill(f"warning: {visible(text)}", WIDTH, subsequent_indent="  ") for text in facts.warnings
    )


def _parts(parts: Sequence[Part]) -> str:
    rows = [
        (f"{part.name}{', drawn from train' if part.drawn else ''}", f"{part.examples:,}")
        for part in parts
    ]
    return write_table(("Part", "Examples"), rows, gap=GAP)


def _columns(columns: Sequence[ColumnFacts]) -> str:
    titles = ("Column", "Part", "Shape", "Type", "Minimum", "Maximum", "Mean")
    ranges = [column.range for column in columns]
    rows = [
        (_short(column.name), column.part, _shape(column.shape), column.dtype, *numbers)
        for column, numbers in zip(columns, _range_texts(ranges), strict=True)
    ]
    return write_table((*titles, *_range_titles(ranges)), rows, 4, GAP)


def _shape(shape: tuple[int, ...]) -> str:
    return written(shape) if shape else "number"


def _has_features(column: ColumnFacts) -> bool:
    """Whether the features of a column are shown: they are enough in one part."""
    return column.part == "train" and len(column.features) > 1


def _features(column: ColumnFacts) -> str:
    shown = column.features[:MAX_ROWS]
    rows = [(str(place), *numbers) for place, numbers in enumerate(_range_texts(shown))]
    title = f"Feature of {_short(column.name)}"
    text = write_table((title, "Minimum", "Maximum", "Mean", *_range_titles(shown)), rows, gap=GAP)
    return _with_more(text, len(column.features) - len(shown))


def _with_more(text: str, more: int) -> str:
    return f"{text}\n{MORE.format(more)}" if more > 0 else text


def _range_titles(ranges: Sequence[Range]) -> tuple[str, ...]:
    infinite = any(range.infinite for range in ranges)
    return ("Missing", "Infinite") if infinite else ("Missing",)


def _range_texts(ranges: Sequence[Range]) -> Iterator[tuple[str, ...]]:
    infinite = any(range.infinite for range in ranges)
    for range in ranges:
        numbers = (range.minimum, range.maximum, range.mean)
        counts = (range.missing, range.infinite) if infinite else (range.missing,)
        yield *map(number, numbers), *(f"{count:,}" for count in counts)


def number(value: float | None) -> str:
    """A number with about four digits; whole numbers with all of them."""
    if value is None:
        return "-"
    if abs(value) < 1e12 and (value == round(value) or abs(value) >= 1e4):
        return f"{value:,.0f}"
    return f"{value:.4g}"


def _fields(fields: Sequence[TableColumn]) -> str:
    shown = fields[:MAX_ROWS]
    rows = [
        (
            _short(field.name),
            field.kind,
            _cut(field_values(field), MAX_VALUES),
            f"{field.different:,}",
            f"{field.missing:,}",
        )
        for field in shown
    ]
    titles = ("Column of the table", "Kind", "Values", "Different", "Missing")
    return _with_more(write_table(titles, rows, 3, GAP), len(fields) - len(shown))


def field_values(field: TableColumn) -> str:
    """The range of numbers or times, or the most frequent categories."""
    if field.kind == "category":
        names = [visible(name) for name in field.categories]
        more = ["…"] if field.different > len(names) else []
        return ", ".join([*names, *more])
    if field.minimum is None or field.maximum is None:
        return "none"
    text = time_text if field.kind == "time" else number
    return f"{text(field.minimum)} to {text(field.maximum)}"


def _preparation(columns: Sequence[PreparedColumn]) -> str:
    shown = columns[:MAX_ROWS]
    rows = [(_short(column.name), f"{column.width:,}", _learned(column)) for column in shown]
    text = write_table(("Feature", "Inputs", "Learned from the training part"), rows, 3, GAP)
    return _with_more(text, len(columns) - len(shown))


def _learned(column: PreparedColumn) -> str:
    if column.kind == "time":
        mean, days = time_text(column.mean // DAY * DAY), number(column.deviation / DAY)
        return f"mean {mean}, deviation {days} days"
    if column.kind == "number":
        return f"mean {number(column.mean)}, deviation {number(column.deviation)}"
    count = len(column.vocabulary)
    names = [visible(name) or '""' for name in column.vocabulary[:MAX_CATEGORIES]]
    names += [f"{count - MAX_CATEGORIES:,} more"] if count > MAX_CATEGORIES else []
    what = "tokens" if column.kind == "text" else "categories"
    text = f"{count:,} {what}: {one_of(names, 'and') if names else 'none'}"
    return _cut(text, WIDTH // 2)


def _classes(classes: Classes) -> str:
    """The counts of each class in each part, with a bar for the training part.

    Of many classes the most frequent ones are shown.
    """
    train = classes.counts["train"]
    places = list(range(len(train)))
    if len(places) > MAX_ROWS:
        places = sorted(places, key=lambda place: -train[place])[:MAX_ROWS]
    rows = [
        (
            _short(classes.names[place]),
            *(f"{counts[place]:,}" for counts in classes.counts.values()),
        )
        for place in places
    ]
    titles = ("Class", *(PART_TITLES[part] for part in classes.counts))
    lines = write_table(titles, rows, gap=GAP).splitlines()
    room = min(MAX_BAR, WIDTH - max(map(len, lines)) - len(GAP))
    greatest = max([1, *train])
    for line, place in enumerate(places, 2):
        bar = "█" * round(room * train[place] / greatest)
        lines[line] = f"{lines[line]}{GAP}{bar}".rstrip()
    if more := len(train) - len(places):
        others = [count for place, count in enumerate(train) if place not in set(places)]
        lines.append(f"{more:,} more classes, with {min(others):,} to {max(others):,} for training")
    if classes.ignored:
        text = f"Ignored, with the label {classes.ignored_label}: {_ignored(classes)}"
        lines.append(fill(text, WIDTH, subsequent_indent="  "))
    return "\n".join(lines)


def _ignored(classes: Classes) -> str:
    """How many targets of every part are ignored, and their share."""
    texts: list[str] = []
    for part, count in classes.ignored.items():
        share = count / max(1, count + sum(classes.counts[part]))
        texts.append(f"{count:,} ({share:.1%}) of {part}")
    return one_of(texts, "and")


def _examples(examples: Sequence[dict[str, Any]]) -> Iterator[str]:  # Any: JSON data
    for example in examples:
        values = [f"{_short(name)} {_value(value)}" for name, value in example.items()]
        yield fill("  ".join(values), WIDTH, initial_indent="  ", subsequent_indent="    ")


def _value(value: Any) -> str:  # Any: JSON data
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - JSON data
    if value is None or isinstance(value, int | float):
        return number(value)
    return visible(str(value))


def _repeated(facts: Facts) -> Iterator[str]:
    sizes = {part.name: part.examples for part in facts.parts}
    for repeated in facts.repeated:
        of_train = repeated.part == "train"
        title = "training" if of_train else repeated.part
        equal = "an earlier one" if of_train else "a training example"
        whole = repeated.compared == sizes[repeated.part]
        of = f"{repeated.compared:,} {title} examples{'' if whole else ' that were compared'}"
        count = f"{repeated.count:,}" if repeated.count else "None"
        verb = "are" if repeated.count > 1 else "is"
        yield f"{count} of the {of} {verb} equal to {equal}"


def _short(name: str) -> str:
    return _cut(visible(name), MAX_NAME)


def _cut(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 1]}…"
