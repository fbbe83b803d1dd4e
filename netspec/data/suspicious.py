"""What is suspicious about a data set: one sentence for each fact, before training begins.

Nothing here is an error by itself. Inputs are looked at on at most `LOOKED_AT` bytes of a part, in
examples that are spread evenly over it, so that a data set of any size is checked in a moment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from netspec.checks.indices import index_inputs
from netspec.checks.objectives import Objective
from netspec.data.classes import class_count, class_counts, names_of_classes
from netspec.data.examples import Examples
from netspec.graph import Input
from netspec.language.layers import written
from netspec.language.spec import INPUT
from netspec.network import Network
from netspec.numerics.seeds import generator
from netspec.text.diagnostics import listed

if TYPE_CHECKING:
    from netspec.data.loading import Dataset

LOOKED_AT = 64 << 20  # bytes
MAX_CLASSES = 1_000  # more are words of a vocabulary, of which many are rare
MAX_FEATURES = 100  # more are pixels or steps, of which some are always constant
MAX_RATIO = 500  # between the ranges of two features
_FEW = 4  # features
_WORDS = 1 << 18  # of examples, which are hashed at once


def suspicions(dataset: Dataset, network: Network) -> list[str]:
    """What is suspicious, a sentence for each fact with what to do about it."""
    sample = sampled(dataset)
    return [
        *dataset.remarks,
        *_channels_first(network),
        *_parts_without_targets(dataset, network),
        *_classes_without_examples(dataset, network),
        # A table's features are standardised, and its source names the constant ones.
        *(() if dataset.record.preparation else _values_of_inputs(sample.train, network)),
        *(dataset.copies or map(_too_good, equal_examples(sample, dataset))),
    ]


def sampled(dataset: Dataset) -> Dataset:
    """At most `LOOKED_AT` bytes of every part, in memory."""
    validation = dataset.validation and _looked_at(dataset.validation)
    train, test = _looked_at(dataset.train), _looked_at(dataset.test)
    return replace(dataset, train=train, validation=validation, test=test)


def _looked_at(examples: Examples) -> Examples:
    """Examples in memory that are spread evenly over all; all of them where they are small."""
    size = sum(prod(array.shape[1:]) * array.dtype.itemsize for array in examples.inputs)
    count = max(1, min(len(examples), LOOKED_AT // max(size, 1)))
    return examples[np.linspace(0, len(examples) - 1, count).astype(np.int64)]


def _parts_without_targets(dataset: Dataset, network: Network) -> Iterator[str]:
    """Parts whose targets all have the label that their loss ignores: their loss is 0."""
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    for place, objective in enumerate(network.objectives):
        label = objective.ignored_label
        of = f" of {objective.output}" if len(network.objectives) > 1 else ""
        for part, examples in parts.items() if label is not None else ():
            there = None if examples is None else _present(examples, place, objective)
            if there is not None and not there.any():
                yield f"every {part} label{of} is {label}, which the loss ignores: its loss is 0"


def _classes_without_examples(dataset: Dataset, network: Network) -> Iterator[str]:
    """Classes that no example has, or that only the validation or the test part has."""
    for place, objective in enumerate(network.objectives):
        train = _present(dataset.train, place, objective)
        if train is None:
            continue
        names = names_of_classes(network, dataset.record.class_names, len(train))
        of = f" of {objective.output}" if len(network.objectives) > 1 else ""
        missing = ~train
        for part, examples in (("validation", dataset.validation), ("test", dataset.test)):
            there = None if examples is None else _present(examples, place, objective)
            if there is None or not (only := there & ~train).any():
                continue
            missing &= ~there
            help = "shuffle the data before they are split into training and test"
            if part == "validation":
                kept = network.spec.train and network.spec.train.kept
                fraction = kept.fraction if kept else 0.1
                help = f"write `validation: {{fraction: {fraction:g}, stratify: true}}` in train"
            named = _named(only, names)
            yield f"the {part} part has {named}{of}, the training part has not; {help}"
        if objective.ignored_index in range(len(missing)):
            missing[objective.ignored_index] = False
        if missing.any():
            help = "use fewer units, or add examples"
            yield f"no example has {_named(missing, names)}{of}; {help}"


def _present(examples: Examples, place: int, objective: Objective) -> NDArray[np.bool_] | None:
    """Whether any example is of each class; None for targets that are no classes, or in a file."""
    if examples.own_targets or (class_count(objective) or 0) > MAX_CLASSES:
        return None
    targets = examples.targets[place]
    images = objective.loss.kind == "binary" and objective.shape[-1] == 1 and targets.ndim > 2
    if images or not isinstance(targets, np.ndarray):
        return None
    counts = class_counts(examples, place, objective)
    return None if counts is None else counts > 0


def _named(chosen: NDArray[np.bool_], names: tuple[str, ...]) -> str:
    """The classes that are chosen: the class 3, or the classes 3, 4 and 5."""
    classes = [name for name, is_chosen in zip(names, chosen, strict=False) if is_chosen]
    return f"the class{'es' if len(classes) > 1 else ''} {listed(classes)}"


def _channels_first(network: Network) -> Iterator[str]:
    """Inputs that look like images with their channels first, read by a layer of images."""
    for input_ in network.graph.inputs:
        images = any(
            node.layer.tag.endswith("2D") and input_.shape in node.input_shapes
            for node in network.graph.nodes
        )
        if input_.channels_first and images:
            channels, *space = input_.shape
            yield (
                f"the input {written(input_.shape)} looks like an image with channels first; an "
                f"image is [height, width, channels]: write {[*space, channels]}, and move the "
                "axis of the data with numpy.moveaxis(x, 1, -1)"
            )


def _values_of_inputs(train: Examples, network: Network) -> Iterator[str]:
    """Inputs that are scaled twice or constant, and features of very different ranges."""
    indices = index_inputs(network.graph)
    for place, input_ in enumerate(network.graph.inputs):
        scale = network.scales[input_.name]
        least, greatest = _ranges(np.asarray(train.inputs[place]))
        yield from _scaled_twice(input_, greatest.max(initial=0), scale)
        yield from _constant(input_, least, greatest, of_indices=input_.name in indices)
        if input_.name not in indices and not _normalized(input_, network):
            yield from _different(input_, (greatest - least) / scale)
        if input_.name in indices and network.spec.data and network.spec.data.scale != 1:
            yield (
                f"{_named_input(input_)} holds indices, which are never divided by "
                f"`scale: {network.spec.data.scale:g}`"
            )


def _ranges(values: NDArray[np.generic]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The minimum and the maximum of every feature, along the last axis."""
    # Of few features, such as the channels of images, each one is many times faster.
    last = values.shape[-1]
    parts = [values[..., place] for place in range(last)] if last <= _FEW else [values]
    axes = tuple(range(values.ndim - 1))
    least, greatest = (
        np.concatenate([np.atleast_1d(reduced(part, axes)) for part in parts])
        for reduced in (np.min, np.max)
    )
    return np.asarray(least, np.float64), np.asarray(greatest, np.float64)


def _scaled_twice(input_: Input, greatest: float, scale: float) -> Iterator[str]:
    if 0 < greatest <= 1 < scale:
        yield (
            f"the greatest value of {_named_input(input_)} is {greatest:g}, and "
            f"`scale: {scale:g}` divides it; remove `scale` where the data are scaled already"
        )


def _named_input(input_: Input) -> str:
    return "the input" if input_.name == INPUT else f"the input {input_.name}"


def _constant(
    input_: Input, least: NDArray[np.float64], greatest: NDArray[np.float64], *, of_indices: bool
) -> Iterator[str]:
    constant = least == greatest
    if constant.all() and len(set(least.tolist())) == 1:
        yield f"every value of {_named_input(input_)} is {least.flat[0]:g}"
    elif constant.any() and len(constant) <= MAX_FEATURES and not of_indices:
        places = [str(place) for place in np.flatnonzero(constant)]
        named = "features" if len(places) > 1 else "feature"
        yield (
            f"the {named} {listed(places)} of {_named_input(input_)}, counted from 0, "
            f"{'are' if len(places) > 1 else 'is'} constant; leave out constant features"
        )


def _normalized(input_: Input, network: Network) -> bool:
    readers = [node for node in network.graph.nodes if input_.name in node.inputs]
    return all(node.layer.tag in _NORMALIZING for node in readers)


_NORMALIZING = ("Normalization", "BatchNormalization")
"""The layers that bring every feature to the same scale."""


def _different(input_: Input, ranges: NDArray[np.float64]) -> Iterator[str]:
    varying = np.flatnonzero(ranges)
    if len(ranges) > MAX_FEATURES or len(varying) < 2:
        return
    narrow, wide = varying[ranges[varying].argmin()], varying[ranges[varying].argmax()]
    if ranges[wide] > MAX_RATIO * ranges[narrow]:
        yield (
            f"the features of {_named_input(input_)} have very different scales: feature {wide} "
            f"ranges over {ranges[wide]:.3g}, feature {narrow} over {ranges[narrow]:.3g}; begin "
            "with Normalization or BatchNormalization"
        )


@dataclass(frozen=True)
class Equal:
    """How many examples of a part are equal to training examples, of those that were compared.

    `whole` is whether all examples were compared.
    """

    part: str
    count: int
    compared: int
    whole: bool


def equal_examples(sample: Dataset, dataset: Dataset) -> Iterator[Equal]:
    """Examples that training sees, and that the validation or the test has too.

    `sample` is the part of `dataset` that is compared, in memory.
    """
    train = np.sort(_contents(sample.train))
    parts = (
        ("validation", sample.validation, dataset.validation),
        ("test", sample.test, dataset.test),
    )
    for part, looked_at, examples in parts:
        equal = _count_among(_contents(looked_at), train) if looked_at else 0
        if looked_at and examples and equal:
            whole = len(looked_at) == len(examples) and len(sample.train) == len(dataset.train)
            yield Equal(part, equal, len(looked_at), whole)


def repeated(sample: Dataset) -> int:
    """How many training examples that were compared are equal to an earlier one."""
    return len(sample.train) - len(np.unique(_contents(sample.train)))


def _too_good(equal: Equal) -> str:
    among = "" if equal.whole else " that were looked at"
    return (
        f"{equal.count:,} of the {equal.compared:,} {equal.part} examples{among} are equal to "
        "training examples; results on them are too good"
    )


def _count_among(hashes: NDArray[np.uint64], others: NDArray[np.uint64]) -> int:
    """How many hashes are among others, which are sorted. NumPy's isin takes ten times as long."""
    places = np.minimum(np.searchsorted(others, hashes), len(others) - 1)
    return int((others[places] == hashes).sum())


def _contents(examples: Examples) -> NDArray[np.uint64]:
    """Hashes (n,) of the inputs of every example."""
    hashes = np.zeros(len(examples), np.uint64)
    for place, array in enumerate(examples.inputs):
        hashes += _hashes(np.asarray(array), place)
    return hashes


def _hashes(array: NDArray[np.generic], place: int) -> NDArray[np.uint64]:
    """A hash (n,) of every example of an array: a sum of its words, each times a random number.

    Two different examples have the same hash with a probability of 2^-32 at most (multilinear
    hashing: Lemire and Kaser, 2014).
    """
    content = np.ascontiguousarray(array).reshape(len(array), -1).view(np.uint8)
    word = np.dtype(np.uint32 if content.shape[1] % 4 == 0 else np.uint8)
    words = content.view(word)
    random = generator(0, f"equal/{place}")
    factors = random.integers(0, 2**64, words.shape[1], np.uint64, endpoint=False)
    rows = max(1, _WORDS // max(1, words.shape[1]))
    parts = (words[start : start + rows] for start in range(0, len(words), rows))
    hashes = [(part.astype(np.uint64) * factors).sum(1, np.uint64) for part in parts]
    return np.concatenate(hashes) if hashes else np.zeros(0, np.uint64)
