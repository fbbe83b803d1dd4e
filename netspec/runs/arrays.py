"""Predictions for arrays and data frames, as arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.arrow import categories, kind_of, numbers, times
from netspec.data.examples import scaled
from netspec.data.frames import TEXTS
from netspec.data.indices import check_indices
from netspec.data.passed.frames import table_of
from netspec.data.preparation import PreparedColumn
from netspec.graph import Input
from netspec.language.data import Passed
from netspec.language.layers import written
from netspec.numerics.measures import probabilities
from netspec.numerics.weights import Array
from netspec.runs.forecast import SeriesPredictions
from netspec.runs.opened import OpenedModel
from netspec.runs.predicted import only_file
from netspec.runs.quantization import ScaledInputs
from netspec.runs.rows import TablePredictions
from netspec.text.diagnostics import DataError, nearest, one_of

_VALUES = {"number": numbers, "category": categories, "text": categories, "time": times}
"""For every kind of column, the function that reads it."""


def predict_arrays(opened: OpenedModel, x: object) -> Array | dict[str, NDArray[Any]]:
    """The output (n, …) of a network for its inputs; by name where it has several outputs.

    `x` is an array (n, …) with the values of the data, which are divided by `scale` as in a
    training; or arrays by the names of the inputs. For a network of a table, it is a data frame, or
    arrays (n,) by the names of the columns. The output of softmax and sigmoid are probabilities,
    also where the loss computes them of logits. For a series it is a data frame with all rows, and
    the result are the columns of the rows after them. Raises NetspecError.
    """
    if opened.series:
        return SeriesPredictions(opened, Passed(table_of(x))).columns()
    if opened.preparation:
        columns = _columns(x, opened.preparation.columns)
        return _by_name(opened, opened.session.outputs_of_columns(columns))
    return _by_name(opened, outputs_of(opened, x))


def predict_files(opened: OpenedModel, paths: Sequence[Path]) -> Array | dict[str, NDArray[Any]]:
    """The outputs for all rows of tables, one after the other; see `Meaning.read`.

    Of a series there is one file; see `predict_arrays`. Raises NetspecError.
    """
    if opened.series:
        return SeriesPredictions(opened, only_file(paths)).columns()
    rows = (rows for path in paths for rows in TablePredictions(opened, path).rows())
    return all_outputs(opened, [some.outputs for some in rows])


def all_outputs(
    opened: OpenedModel, parts: Sequence[tuple[Array, ...]]
) -> Array | dict[str, NDArray[Any]]:
    """The output of parts of the examples, by name where there are several."""
    meanings = opened.meanings
    if not parts:
        parts = [tuple(np.empty((0, *m.axes, len(m.names)), np.float32) for m in meanings)]
    outputs = [np.concatenate(some) for some in zip(*parts, strict=True)]
    by_name = dict(zip(opened.network.graph.outputs, outputs, strict=True))
    return by_name if len(by_name) > 1 else outputs[0]


def outputs_of(opened: OpenedModel, x: object) -> tuple[Array, ...]:
    """Every output (n, …) of a network for its inputs; see `predict_arrays`."""
    return ScaledInputs(opened.session).outputs(*_inputs(x, opened))


def _by_name(opened: OpenedModel, outputs: tuple[Array, ...]) -> Array | dict[str, NDArray[Any]]:
    graph, objectives = opened.network.graph, opened.network.objectives
    by_name: dict[str, NDArray[Any]] = dict(zip(graph.outputs, outputs, strict=True))
    for objective in objectives:
        if objective.taken_off is None:
            by_name[objective.output] = probabilities(by_name[objective.output], objective)
    return by_name if len(by_name) > 1 else by_name[graph.outputs[0]]


def _columns(x: object, columns: Sequence[PreparedColumn]) -> dict[str, NDArray[Any]]:
    """The values of the columns of a data frame or of arrays by name. Raises DataError."""
    table = table_of(x)
    values: dict[str, NDArray[Any]] = {}
    for column in columns:
        if column.name not in table.column_names:
            meant = nearest(column.name, table.column_names)
            known = one_of([*map(str, table.column_names)], "and")
            message = f"the data have no column {column.name!r}; they have {known}"
            raise DataError(message, f"rename {meant}" if meant else "add the column")
        values[column.name] = _values(table.column(column.name), column)
    return values


def _values(values: Any, column: PreparedColumn) -> NDArray[Any]:  # Any: an array of pyarrow
    kind = kind_of(values.type)
    if kind is None or column.kind not in (kind, *TEXTS):
        message = f"the column {column.name} has values of {values.type}, and is a {column.kind}"
        raise DataError(message, f"convert it, as the training data have a {column.kind}")
    return np.asarray(_VALUES[column.kind](values))


def _inputs(x: object, opened: OpenedModel) -> tuple[Array, ...]:
    """The inputs (n, …) of a network, scaled. Raises DataError."""
    network = opened.network
    names = [input_.name for input_ in network.graph.inputs]
    arrays: Mapping[Any, Any] = x if isinstance(x, Mapping) else {names[0]: x}  # pyright: ignore[reportUnknownVariableType] - of any values
    if {*arrays} != {*names}:
        message = f"the network has the inputs {one_of(names, 'and')}"
        raise DataError(message, "pass a dict with an array for each of them, by name")
    inputs = tuple(
        scaled(_shaped(arrays[input_.name], input_), network.scales[input_.name])
        for input_ in network.graph.inputs
    )
    if len({len(array) for array in inputs}) > 1:
        raise DataError("the inputs have different numbers of examples", "pass as many for each")
    check_indices(network.graph, [*inputs], "inputs")
    return inputs


def _shaped(values: Any, to: Input) -> NDArray[Any]:  # Any: what NumPy makes an array of
    try:
        array = np.asarray(values)
        numeric = array.dtype.kind in "biuf"
    except ValueError:  # of rows with different lengths
        array, numeric = np.empty(0), False
    if not numeric:
        message = f"{to.name} gets {type(values).__name__}, which is no array of numbers"
        raise DataError(message, f"pass an array of examples of {written(to.shape)}")
    if not shape_fits(array.shape, to):
        message = (
            f"{to.name} takes examples of {written(to.shape)}, and gets {written(array.shape)}"
        )
        raise DataError(message, "the first axis has the examples, also where there is one")
    return array.reshape(-1, *to.shape)


def shape_fits(shape: tuple[int, ...], to: Input) -> bool:
    """Whether an array of this shape has examples of an input; its last axis of size 1 may lack."""
    return bool(shape) and to.shape in (shape[1:], (*shape[1:], 1))
