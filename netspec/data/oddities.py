"""What is odd about the columns of a table: a sentence for each fact, with what to do about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netspec.data.arrow import MISSING_TEXTS
from netspec.data.coded import Coded
from netspec.data.delimited import is_written_number
from netspec.data.preparation import MISSING, CategoryColumn, Preparation, Values
from netspec.text.diagnostics import listed, one_of, shortened

_IDENTIFYING = 0.9  # categories for each row
_FEWEST_ROWS = 20  # of less, nothing is an identifier
_LOOKED_AT = 1_000  # texts, or rows, that are looked at first
_SHOWN = 20  # columns with missing values
_COMMA = re.compile(r"[+-]?\d+,\d+")
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}\b")


@dataclass(frozen=True)
class FileColumns:
    """The columns of a file that become inputs, and what messages need of the file.

    `inferred` are those whose kind nobody has declared. `place` is where a row is.
    """

    values: Mapping[str, Values]
    inferred: frozenset[str]
    place: Callable[[int], str]

    @property
    def rows(self) -> int:
        """The number of rows."""
        return len(next(iter(self.values.values())))


def oddities(file: FileColumns, labels: NDArray[np.generic] | None) -> Iterator[str]:
    """What is odd about the columns of a file, whose labels are (n,) or (n, classes)."""
    yield from _missing(file)
    yield from _identifiers(file)
    yield from _constants(file)
    for name, values in file.values.items():
        if isinstance(values, Coded) and name in file.inferred:
            yield from _no_numbers(name, values, file)
        if labels is not None and _is_copy(values, labels):
            yield f"{name} has one value for every value of the target; write `exclude: [{name}]`"


def unknown_categories(
    part: str, values: Mapping[str, Values], rows: NDArray[np.int64], preparation: Preparation
) -> Iterator[str]:
    """Categories of another part that no training row has."""
    for column in preparation.columns:
        if isinstance(column, CategoryColumn):
            texts = values[column.name][rows]
            assert isinstance(texts, Coded)
            known = {*column.vocabulary}
            unknown = np.array([text not in known for text in texts.texts], bool)
            counts = texts.counts() * unknown
            if counts.any():
                names = [repr(text) for text, n in zip(texts.texts, counts, strict=True) if n]
                rows = counts.sum()
                yield (
                    f"{rows:,} {part} row{'s have' if rows > 1 else ' has'} a {column.name} that "
                    f"no training row has: {listed(names)}"
                )


def _missing(file: FileColumns) -> Iterator[str]:
    counts = {name: _count_missing(values) for name, values in file.values.items()}
    some = {name: count for name, count in counts.items() if 0 < count < file.rows}
    if some:
        phrases = [f"{name} in {count:,}" for name, count in some.items()][:_SHOWN]
        phrases += [f"{len(some) - _SHOWN:,} other columns"] if len(some) > _SHOWN else []
        yield (
            f"values are missing: {one_of(phrases, 'and')} of {file.rows:,} rows; a missing number "
            "becomes the mean, a missing category is a category"
        )


def _count_missing(values: Values) -> int:
    if not isinstance(values, Coded):
        return int(np.count_nonzero(np.isnan(values)))
    counts = values.counts()
    return int(counts[values.texts.index(MISSING)]) if MISSING in values.texts else 0


def _identifiers(file: FileColumns) -> Iterator[str]:
    for name, values in file.values.items():
        if file.rows < _FEWEST_ROWS:
            continue
        if isinstance(values, Coded):
            if len(values.texts) > _IDENTIFYING * file.rows:
                yield (
                    f"{name} has {len(values.texts):,} categories in {file.rows:,} rows: it names "
                    f"the rows; write `exclude: [{name}]`"
                )
        elif values[1] - values[0] == 1 and (np.diff(values) == 1).all():
            yield f"{name} counts the rows; write `exclude: [{name}]`"


def _constants(file: FileColumns) -> Iterator[str]:
    constant = [name for name, values in file.values.items() if _is_constant(values)]
    if constant and file.rows > 1:
        columns = "columns have" if len(constant) > 1 else "column has"
        yield (
            f"the {columns} the same value in every row: {listed(constant)}; write "
            f"`exclude: [{', '.join(constant[:_SHOWN])}]`"
        )


def _is_constant(values: Values) -> bool:
    if isinstance(values, Coded):
        return len(values.present()) == 1
    first = values[:_LOOKED_AT]
    if (first != first[0]).any() and not np.isnan(first).any():
        return False
    known = values[~np.isnan(values)]
    return not known.size or bool((known == known[0]).all())


def _no_numbers(name: str, values: Coded, file: FileColumns) -> Iterator[str]:
    """A column of texts that is most likely meant as a column of numbers or times."""
    texts = [text for text in values.texts if text not in MISSING_TEXTS][:_LOOKED_AT]
    if not texts:
        return
    first = shortened(texts[0])
    if all(_COMMA.fullmatch(text) for text in texts):
        yield f'{name} is a category with values such as {first!r}; write `decimal: ","` in data'
    elif all(_DATE.match(text) for text in texts):
        yield (
            f"{name} is a category, with values such as {first!r}; if they are times, write "
            f'`types: {{{name}: {{time: "%d/%m/%Y"}}}}` with their form'
        )
    else:
        wrong = [text for text in texts if not is_written_number(text.strip())]
        if 0 < len(wrong) < len(texts) / 2:
            row = int(np.flatnonzero(values.codes == values.texts.index(wrong[0]))[0])
            yield f"{name} is a category because of {shortened(wrong[0])!r} in {file.place(row)}"


def _is_copy(values: Values, labels: NDArray[np.generic]) -> bool:
    """Whether every value of a column belongs to one label, and every label to one value."""
    if labels.dtype.kind == "f" and labels.ndim == 1:
        return not isinstance(values, Coded) and np.array_equal(values.astype(np.float32), labels)
    classes = labels.argmax(-1) if labels.ndim == 2 else labels.astype(np.int64)
    count = int(classes.max()) + 1
    if isinstance(values, Coded):
        codes = values.codes
    elif len(np.unique(values[:_LOOKED_AT])) > count:
        return False
    else:
        codes = np.unique(values, return_inverse=True)[1]
    if count < 2 or int(codes.max()) + 1 != count:
        return False
    return len(np.unique(codes.astype(np.int64) * count + classes)) == count
