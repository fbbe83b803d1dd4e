"""Data sets: fetched, checked, cached; the batch order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from netspec.checks.indices import embeddings
from netspec.data.examples import Examples, compact, parts, scaled
from netspec.data.indices import check_indices
from netspec.data.location import check_files
from netspec.data.mapped import Stored
from netspec.data.memory import half_of_memory
from netspec.data.record import DataRecord, describe
from netspec.data.split import split
from netspec.data.targets import check_own_inputs, class_weights, targets
from netspec.graph import Graph, Input
from netspec.language.layers import written
from netspec.language.spec import DataSpec, Digits, Idx, Mnist, Npz
from netspec.network import Network
from netspec.numerics.seeds import generator
from netspec.text.diagnostics import DataError

Arrays = Mapping[str, Stored]
"""x_train, y_train, x_test and y_test, as they are stored; w_train and w_test where there are any.

Those of several inputs or outputs have their names behind them, as in x_train_left.
"""


@dataclass(frozen=True)
class Dataset:
    """What a network is trained on, what it is tested on, and what training never sees.

    `record` describes the arrays as they are stored.
    """

    train: Examples
    validation: Examples | None
    test: Examples
    record: DataRecord


def load(network: Network, memory: int | None = None) -> Dataset:
    """The data set of a spec, fetched where it must be. Raises DataError.

    What takes more than `memory` bytes, by default half of what the machine has to give, stays in
    its files.
    """
    data = network.spec.data
    if data is None:
        help = "add `data: {dataset: mnist, scale: 255}` or another data set to the spec"
        raise DataError(f"{network.spec.name} names no data set", help)
    check_files(network)
    arrays = _arrays(data, network)
    _check_axes(arrays)
    train = _examples(arrays, "train", data, network)
    test = _examples(arrays, "test", data, network)
    record = describe(data.dataset, arrays)
    if train.nbytes + test.nbytes <= (half_of_memory() if memory is None else memory):
        train, test = train.in_memory(), test.in_memory()
    else:
        train = replace(train, streamed=True)
    settings = network.spec.train
    train, validation = split(train, settings.kept if settings else None)
    if settings and settings.class_weights is not None:
        train = _weighted(train, settings.class_weights, network)
    return Dataset(train, validation, test, record)


def _arrays(data: DataSpec, network: Network) -> Arrays:
    # Each source is imported where it is used: summary and check read no data.
    folder = network.folder
    match data:
        case Mnist():
            from netspec.data.mnist import load_mnist

            return dict[str, Stored](load_mnist())
        case Digits():
            from netspec.data.digits import load_digits

            return dict[str, Stored](load_digits())
        case Npz():
            from netspec.data.npz import read_npz

            labels = data.target == "labels"
            parts = "train", "test"
            needed = [key for part in parts for key in input_keys(network.graph, part).values()]
            answers = [key for part in parts for key in target_keys(network.graph, part)]
            optional = [*(() if labels else answers), "w_train", "w_test"]
            return read_npz(folder / data.path, [*needed, *(answers if labels else ())], optional)
        case Idx():
            from netspec.data.idx import read_idx

            return {
                "x_train": read_idx(folder / data.train_images),
                "y_train": read_idx(folder / data.train_labels),
                "x_test": read_idx(folder / data.test_images),
                "y_test": read_idx(folder / data.test_labels),
            }


def _check_axes(arrays: Arrays) -> None:
    for key, array in arrays.items():
        if array.ndim == 0:
            message = f"{key} is a single number, without an axis of examples"
            raise DataError(message, f"give {key} a first axis, with an element for every example")


def input_keys(graph: Graph, part: str) -> dict[str, str]:
    """The name of every input's array in a data set; `part` is train or test."""
    names = [each.name for each in graph.inputs]
    return {name: f"x_{part}_{name}" if len(names) > 1 else f"x_{part}" for name in names}


def target_keys(graph: Graph, part: str) -> list[str]:
    """The name of every output's array in a data set."""
    several = len(graph.outputs) > 1
    return [f"y_{part}_{name}" if several else f"y_{part}" for name in graph.outputs]


def _examples(arrays: Arrays, part: str, data: DataSpec, network: Network) -> Examples:
    graph, scales = network.graph, network.scales
    keys = input_keys(graph, part)
    inputs = tuple(
        _input(arrays[keys[each.name]], each, part, scales[each.name]) for each in graph.inputs
    )
    count = len(inputs[0])
    for each, key in zip(inputs, keys.values(), strict=True):
        if len(each) != count:
            message = f"there are {count:,} {part} examples, and {key} has {len(each):,}"
            raise DataError(message, "every example needs a part in every input")
    weights = _weights(arrays.get(f"w_{part}"), count, part)
    examples = Examples(inputs, inputs, weights, tuple(scales.values()))
    for some in examples.parts() if embeddings(graph) else ():
        check_indices(graph, some.values(), f"{part} data")
    if data.target == "input":
        check_own_inputs(examples, part, network)
    else:
        found = [arrays[key] for key in target_keys(graph, part)]
        examples = replace(examples, targets=targets(found, part, network))
    for each in examples.targets:
        if len(each) != count or not count:
            message = f"there are {count:,} {part} images and {len(each):,} labels"
            raise DataError(message, "every image needs one label")
    return examples


def _weighted(train: Examples, wanted: Mapping[str, float], network: Network) -> Examples:
    """Examples that count for their class too; in validation, as in Keras's fit, they do not."""
    by_class = class_weights(train.targets[0], wanted, network)
    weights = by_class if train.weights is None else train.weights * by_class
    return replace(train, weights=weights)


def _input(array: Stored, to: Input, part: str, scale: float) -> Stored:
    shape = to.shape
    if array.shape[1:] != shape and (*array.shape[1:], 1) != shape:
        message = (
            f"the {part} images are {written(array.shape[1:])}, and the input is {written(shape)}"
        )
        raise DataError(message, "change `input` in the spec, or the data")
    stored = compact(array.reshape(-1, *shape))
    # Whole numbers stay finite where they do not grow.
    unsafe = stored.dtype.kind == "f" or scale < 1
    for each in parts(stored) if unsafe else ():
        if not np.isfinite(scaled(each, scale)).all():
            raise DataError(f"the {part} images hold values that are not finite", "clean the data")
    return stored


def _weights(array: Stored | None, count: int, part: str) -> NDArray[np.float32] | None:
    if array is None:
        return None
    if array.shape != (count,):
        message = f"w_{part} has the shape {written(array.shape)}, and there are {count:,} examples"
        raise DataError(message, "one weight an example")
    weights = np.asarray(array).astype(np.float32)
    if not (np.isfinite(weights) & (weights >= 0)).all():
        raise DataError(f"w_{part} holds negative or infinite weights", "clean the data")
    return weights


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch sees its images: a permutation of 0 … count - 1.

    Epochs count from 1. The order depends on the three numbers alone, so a run that goes on from
    its last epoch sees what the unbroken run would have seen.
    """
    return generator(seed, f"order/{epoch}").permutation(count)


def mask_seed(seed: int, epoch: int) -> int:
    """The seed, below 2**31, of the random masks of an epoch."""
    return int(generator(seed, f"masks/{epoch}").integers(2**31))
