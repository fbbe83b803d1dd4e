"""The data set of a network: opened by its source, checked, split and weighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netspec.checks.indices import embeddings
from netspec.data.examples import Examples, compact, noun_of, parts, scaled
from netspec.data.indices import check_indices
from netspec.data.location import check_files
from netspec.data.mapped import Stored
from netspec.data.memory import half_of_memory
from netspec.data.named import with_class_indices
from netspec.data.preparation import Preparation
from netspec.data.record import DataRecord, describe
from netspec.data.sources import Source
from netspec.data.split import split, with_test
from netspec.data.table import PARTS, WEIGHTS, Column, Request, Table, array_name
from netspec.data.targets import check_own_inputs, class_weights, objectives_of, targets
from netspec.data.windows import Windows
from netspec.graph import Graph, Input
from netspec.language.data import DataFields
from netspec.language.layers import written
from netspec.network import Network
from netspec.text.diagnostics import DataError, listed

WINDOW_BYTES = 64 << 20
"""What windows may take that are copied into memory, where an epoch is faster."""


@dataclass(frozen=True)
class Dataset:
    """What a network is trained on, what it is tested on, and what training never sees.

    `record` describes the arrays as they are stored. `remarks` are what the source found odd about
    the data, a sentence for each fact; `copies` are about examples in two parts, `notes` about what
    was decided.
    """

    train: Examples
    validation: Examples | None
    test: Examples
    record: DataRecord
    remarks: tuple[str, ...] = ()
    copies: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def load(
    network: Network,
    memory: int | None = None,
    learned: DataRecord | None = None,
    preparation: Preparation | None = None,
) -> Dataset:
    """The data set of a spec, fetched where it must be. Raises DataError.

    Arrays of more than `memory` bytes, by default half of the machine's free memory, stay in
    their files. `learned` is the record of a run, whose classes and preparation are used: nothing
    is learned from the training data again. `preparation` is only the preparation.
    """
    learned = learned or DataRecord(dataset="", arrays={}, preparation=preparation)
    return dataset_of(open_table(network, learned), network, memory)


def open_table(network: Network, learned: DataRecord | None = None) -> Table:
    """The columns of a spec's data, as they are stored; see `load`. Raises DataError."""
    data = data_of(network)
    check_files(network)
    if not isinstance(data, Source):
        message = f"the data set {data.dataset} cannot be opened"
        raise DataError(message, "derive its class from netspec.data.sources.Source")
    table = data.open(network.folder, request_of(network, learned))
    return completed(table, network, learned)


def data_of(network: Network) -> DataFields:
    """The fields of the data of a spec. Raises DataError where it has none."""
    if network.spec.data is None:
        help = "add `data: {dataset: mnist, scale: 255}` or another data set to the spec"
        raise DataError(f"{network.spec.name} names no data set", help)
    return network.spec.data


def dataset_of(table: Table, network: Network, memory: int | None = None) -> Dataset:
    """The data set of an open table; see `load`. Raises DataError."""
    data = data_of(network)
    names = data.class_names or table.class_names
    _check_names(names, network)
    _check_ignored(table.class_names, network)
    names_of_parts = [part for part in PARTS if part in table.splits or part != "validation"]
    parts = {part: _examples(table, part, data, network) for part in names_of_parts}
    record = describe(data.dataset, table, passed=network.passed is not None)
    available = half_of_memory() if memory is None else memory
    if any(isinstance(array, Windows) for part in parts.values() for array in part.inputs):
        # Windows overlap: in memory, they are many times the rows that they are made of.
        available = min(available, WINDOW_BYTES)
    if sum(examples.nbytes for examples in parts.values()) <= available:
        parts = {part: examples.in_memory() for part, examples in parts.items()}
    else:
        parts = {part: replace(examples, streamed=True) for part, examples in parts.items()}
    settings = network.spec.train
    is_drawn = not data.promise.ordered and not (network.passed and network.passed.tested)
    kept = settings.kept if settings and is_drawn else None
    if kept and "validation" in parts:
        message = "the data have a validation part, and train keeps examples for another one"
        raise DataError(message, "remove `validation` or `validation_split` from train")
    train, drawn = split(parts["train"], kept)
    if settings and settings.class_weights is not None:
        train = _weighted(train, settings.class_weights, network, names)
    validation = parts.get("validation", drawn)
    facts = table.remarks, table.copies, table.notes
    return Dataset(train, validation, parts["test"], record, *facts)


def completed(table: Table, network: Network, learned: DataRecord | None = None) -> Table:
    """The table of a source with class indices and a test part; see `load`. Raises DataError."""
    data = data_of(network)
    _check_axes(table)
    labels = target_columns(network.graph)
    objectives = dict(zip(labels, objectives_of(network), strict=True))
    table = with_class_indices(table, data, objectives, learned.class_names if learned else None)
    return with_test(table, data, None if data.own_targets else objectives.get("y"))


def request_of(network: Network, learned: DataRecord | None = None) -> Request:
    """The columns that a network reads. `learned` is the record of a run."""
    return Request(
        tuple(input_columns(network.graph).values()),
        tuple(target_columns(network.graph)),
        needs_labels=not data_of(network).own_targets,
        input_shapes=tuple(graph_input.shape for graph_input in network.graph.inputs),
        label_kinds=tuple(objective.loss.kind for objective in objectives_of(network)),
        kept=network.spec.train.kept if network.spec.train else None,
        preparation=learned.preparation if learned else None,
        class_names=learned.class_names if learned else None,
        passed=network.passed,
    )


def _check_axes(table: Table) -> None:
    for name, column in table.arrays():
        if column.values.ndim == 0:
            message = f"{name} is a single number, without an axis of examples"
            raise DataError(
                message, f"add a first axis to {name}, with an element for every example"
            )


def _check_names(names: tuple[str, ...] | None, network: Network) -> None:
    """Raise DataError where the data name more or fewer classes than the network has."""
    kinds = [objective.loss.kind for objective in network.objectives]
    if names is None or kinds not in (["classes"], ["one_hot"]):
        return
    if len(names) != (units := network.objectives[0].shape[-1]):
        message = f"the data have {len(names)} classes, and the network ends in {units} units"
        raise DataError(message, f"write `units: {len(names)}` in the last layer")


def _check_ignored(names: tuple[str, ...] | None, network: Network) -> None:
    """Raise DataError where a loss ignores a label, and the data have only the names of classes."""
    label = objectives_of(network)[0].ignored_label
    if names is None or label is None or 0 <= label < len(names):
        return
    message = f"the loss ignores the class {label}, and the data have the classes"
    message = f"{message} {listed(names)}, counted from 0"
    index = names.index(str(label)) if str(label) in names else 0
    help = f"write the place of a class, as `ignore_class: {index}` for {names[index]}"
    raise DataError(message, help)


def input_columns(graph: Graph) -> dict[str, str]:
    """The column of every input, by the name of the input."""
    names = [input_.name for input_ in graph.inputs]
    return {name: f"x_{name}" if len(names) > 1 else "x" for name in names}


def target_columns(graph: Graph) -> list[str]:
    """The column of every output."""
    several = len(graph.outputs) > 1
    return [f"y_{name}" if several else "y" for name in graph.outputs]


def _examples(table: Table, split: str, data: DataFields, network: Network) -> Examples:
    graph, scales = network.graph, network.scales
    columns = {name: table.required(column, split) for name, column in input_columns(graph).items()}
    named = f"{split} {noun_of(graph)}"
    inputs = tuple(
        _input(columns[input_.name].values, input_, named, scales[input_.name])
        for input_ in graph.inputs
    )
    count = len(inputs[0])
    for array, column in zip(inputs, columns.values(), strict=True):
        if len(array) != count:
            key = array_name(column.name, split)
            message = f"there are {count:,} {split} examples, and {key} has {len(array):,}"
            raise DataError(message, "every example needs a part in every input")
    weights = _weights(table.column(WEIGHTS, split), count, split)
    examples = Examples(inputs, inputs, weights, tuple(scales.values()))
    for some in examples.parts() if embeddings(graph) else ():
        check_indices(graph, some.values(), f"{split} data")
    if data.own_targets:
        check_own_inputs(examples, split, network)
    else:
        labels = [table.required(name, split).values for name in target_columns(graph)]
        examples = replace(examples, targets=targets(labels, split, network))
    for array in examples.targets:
        if len(array) != count or not count:
            message = f"there are {count:,} {named} and {len(array):,} labels"
            raise DataError(message, "every example needs one label")
    return examples


def _weighted(
    train: Examples,
    requested: Mapping[str, float],
    network: Network,
    names: tuple[str, ...] | None,
) -> Examples:
    """Examples that count for their class too; in validation, as in Keras's fit, they do not."""
    by_class = class_weights(train.targets[0], requested, network, names)
    weights = by_class if train.weights is None else train.weights * by_class
    return replace(train, weights=weights)


def _input(array: Stored, to: Input, named: str, scale: float) -> Stored:
    """The input of the examples of a part, which messages call `named`. Raises DataError."""
    shape = to.shape
    if array.shape[1:] != shape and (*array.shape[1:], 1) != shape:
        message = f"the {named} are {written(array.shape[1:])}, and the input is {written(shape)}"
        help = "change `input` in the spec, or the data"
        if len(shape) > 1 and array.shape[1:] == (shape[-1], *shape[:-1]):
            help = "the channels come last: write numpy.moveaxis(x, 1, -1), or x.movedim(1, -1)"
        raise DataError(message, help)
    stored = compact(array.reshape(-1, *shape))
    # Whole numbers stay finite where they do not grow.
    unsafe = stored.dtype.kind == "f" or scale < 1
    for values in parts(stored) if unsafe else ():
        if not np.isfinite(scaled(values, scale)).all():
            raise DataError(f"the {named} hold values that are not finite", "clean the data")
    return stored


def _weights(column: Column | None, count: int, part: str) -> NDArray[np.float32] | None:
    if column is None:
        return None
    array = column.values
    if array.shape != (count,):
        message = f"w_{part} has the shape {written(array.shape)}, and there are {count:,} examples"
        raise DataError(message, "one weight an example")
    weights = np.asarray(array).astype(np.float32)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise DataError(f"w_{part} holds negative or infinite weights", "clean the data")
    return weights
