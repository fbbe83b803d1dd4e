"""Labels that are texts, the names of classes, become class indices."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.data.mapped import Stored
from netspec.data.table import Column, Table, composed
from netspec.language.data import DataFields
from netspec.text.diagnostics import DataError, listed, nearest

BLOCK_BYTES = 16 << 20
"""The maximum of texts that are read at once, unless one example is more."""


def with_class_indices(
    table: Table,
    data: DataFields,
    objectives: Mapping[str, Objective],
    learned: Sequence[str] | None = None,
) -> Table:
    """The table with class indices in place of the names of classes.

    `objectives` are by the column of their labels. The classes are `class_names` of the spec, or
    `learned`, the classes of a run, or the names in the training part, in the order of their
    characters. Raises DataError.
    """
    labels = sorted({column.name for _, column in table.arrays() if _is_text(column)})
    labels = [name for name in labels if name in objectives]
    if not labels:
        return table
    if data.own_targets:
        return _changed(table, labels[0], {})  # which reads no labels
    _check_loss(labels, data, objectives)
    columns = {part: table.column(labels[0], part) for part in table.splits}
    texts = {part: column for part, column in columns.items() if column is not None}
    _check_all_texts(texts)
    known = data.class_names or learned or _names_in_training(texts)
    if objectives[labels[0]].loss.kind != "classes" and len(known) != 2:
        message = f"the labels are {len(known):,} classes: {listed(known)}; "
        message += f"{objectives[labels[0]].loss.tag} takes two"
        raise DataError(message, "use sparse_categorical_crossentropy, with a unit for every class")
    indices = {part: _indices(column, part, known, data) for part, column in texts.items()}
    return replace(_changed(table, labels[0], indices), class_names=tuple(known))


def _is_text(column: Column) -> bool:
    return column.dtype.kind in "US"


def _changed(table: Table, name: str, values: Mapping[str, Stored]) -> Table:
    """The table with other values of a column by part, and without them in other parts."""
    splits = {
        part: tuple(
            replace(column, values=values[part]) if column.name == name else column
            for column in columns
            if column.name != name or part in values
        )
        for part, columns in table.splits.items()
    }
    return replace(table, splits=splits)


def _check_loss(
    labels: Sequence[str], data: DataFields, objectives: Mapping[str, Objective]
) -> None:
    """Raise DataError where the names of classes cannot be the labels of the network."""
    if len(objectives) > 1:
        outputs = [objectives[label].output for label in labels]
        message = f"the labels of {listed(outputs)} are texts, and the network has several outputs"
        raise DataError(message, "write their classes as whole numbers from 0")
    if data.first_label:
        message = f"`labels_from: {data.first_label}` is for numbers, and the labels are texts"
        raise DataError(message, "remove labels_from")
    (objective,) = objectives.values()
    if objective.loss.kind == "classes":
        return
    if objective.loss.kind == "binary" and objective.has_one_class:
        return
    message = f"the labels are texts, and {objective.loss.tag} takes numbers"
    raise DataError(message, "for classes use sparse_categorical_crossentropy, which takes names")


def _check_all_texts(columns: Mapping[str, Column]) -> None:
    numbers = [part for part, column in columns.items() if not _is_text(column)]
    texts = [part for part in columns if part not in numbers]
    if numbers:
        dtype = columns[numbers[0]].dtype
        message = f"the {texts[0]} labels are texts, and the {numbers[0]} labels are {dtype}"
        raise DataError(message, "write all labels as texts, or all as class indices")


def _names_in_training(columns: Mapping[str, Column]) -> list[str]:
    """The names in the training part, in the order of their characters."""
    names: set[str] = set()
    for block in _blocks(columns["train"].values) if "train" in columns else ():
        names |= {*_texts(np.unique(block), "train")}
    return sorted(names)


def _indices(
    column: Column, part: str, known: Sequence[str], data: DataFields
) -> NDArray[np.int32]:
    """The class index of every label. Raises DataError where a label is no known class."""
    by_name = {composed(name): index for index, name in enumerate(known)}
    indices = [np.empty((0, *column.shape), np.int32)]
    unknown: dict[str, None] = {}
    for block in _blocks(column.values):
        distinct, places = np.unique(block, return_inverse=True)
        names = _texts(distinct, part)
        unknown |= dict.fromkeys(name for name in names if name not in by_name)
        by_place = np.array([by_name.get(name, -1) for name in names], np.int32)
        indices.append(by_place[places].reshape(block.shape))
    if unknown:
        raise _unknown(list(unknown), part, known, by_spec=data.class_names is not None)
    return np.concatenate(indices)


def _unknown(wrong: Sequence[str], part: str, known: Sequence[str], *, by_spec: bool) -> DataError:
    plural = len(wrong) > 1
    labels = f"{part} labels are" if plural else f"a {part} label is"
    lacking = "class_names does not name" if by_spec else "no training example has"
    message = f"{labels} {listed(wrong)}, which {lacking}"
    meant = nearest(wrong[0], known)
    help = f"did you mean {meant}? " if meant and not plural else ""
    return DataError(message, f"{help}the classes are {listed(known)}")


def _blocks(values: Stored) -> Iterator[NDArray[Any]]:
    """The texts in their order, a part at a time."""
    size = max(1, BLOCK_BYTES // max(1, values.dtype.itemsize * prod(values.shape[1:])))
    for start in range(0, len(values), size):
        yield np.asarray(values[start : start + size])


def _texts(values: NDArray[Any], part: str) -> list[str]:
    """Texts, in Unicode's composed form, of an array (n,). Raises DataError."""
    help = "write the labels with numpy.array(names, dtype=str)"
    no_text = DataError(f"a {part} label is no text in UTF-8", help)
    if values.dtype.kind == "U" and (values.view(np.uint32) > sys.maxunicode).any():
        raise no_text
    try:
        texts = [value.decode() if isinstance(value, bytes) else value for value in values.tolist()]
        for text in texts:
            text.encode()
    except ValueError as error:  # of bytes or surrogates that are no text
        raise no_text from error
    if "" in texts:
        raise DataError(f"a {part} label is empty", "leave out examples without a label")
    return [composed(text) for text in texts]
