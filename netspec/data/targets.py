"""What the outputs of a network should be: checked against what each loss takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.data.examples import Examples, noun_of, parts
from netspec.data.mapped import Stored
from netspec.language.data import class_names
from netspec.language.layers import written
from netspec.language.training.losses import SparseCategoricalCrossentropy
from netspec.network import Network
from netspec.text.diagnostics import DataError, listed, nearest


def targets(arrays: Sequence[Stored], part: str, network: Network) -> tuple[Stored, ...]:
    """The targets of every output, as its loss takes them. Raises DataError."""
    objectives = objectives_of(network)
    data = network.spec.data
    first = data.first_label if data else 0
    return tuple(
        _checked(array, objective, _named(part, objective, len(objectives)), first)
        for array, objective in zip(arrays, objectives, strict=True)
    )


def check_own_inputs(examples: Examples, part: str, network: Network) -> None:
    """Raise DataError where the inputs of an autoencoder cannot be its targets."""
    for objective in network.objectives:
        faults = (_fault(part.values()[0], objective) for part in examples.parts())
        if (fault := next(filter(None, faults), None)) is not None:
            noun = noun_of(network.graph)
            message = f"the {part} {noun}, which are the targets too, hold {fault[0]}"
            raise DataError(message, f"{fault[1]}; `scale` divides the {noun}")


def objectives_of(network: Network) -> tuple[Objective, ...]:
    """The objective of every output; without `train`, class indices are expected."""
    return network.objectives or tuple(map(_labelled, network.ends))


def _labelled(end: Any) -> Objective:
    """What an output without a loss is compared with: class indices."""
    return Objective(end.name, end.shape, SparseCategoricalCrossentropy(), 1.0, (), None)


def _named(part: str, objective: Objective, outputs: int) -> str:
    return part if outputs == 1 else f"{part} {objective.output}"


def _checked(labels: Stored, objective: Objective, part: str, first: int) -> Stored:
    if objective.loss.kind == "classes":
        return _classes(labels, objective, part, first)
    shape = objective.target_shape
    if labels.shape[1:] != shape and (*labels.shape[1:], 1) != shape:
        actual = written(labels.shape[1:])
        message = f"the {part} labels are {actual}, and {objective.loss.tag} takes {written(shape)}"
        indices = objective.loss.kind == "one_hot" and labels.ndim == len(shape)
        help = "use sparse_categorical_crossentropy, which takes class indices" if indices else None
        raise DataError(message, help or "one value for every output of the network")
    values = labels.reshape(-1, *shape).astype(np.float32)
    faults = (_fault(part, objective) for part in parts(values))
    if (fault := next(filter(None, faults), None)) is not None:
        raise DataError(f"the {part} labels hold {fault[0]}", fault[1])
    return values


def _classes(labels: Stored, objective: Objective, part: str, first: int) -> Stored:
    """Class indices from 0; `first` is the label of the first class.

    Labels that are ignored have the index `ignore_class` of the loss.
    """
    shape = objective.target_shape
    if labels.ndim == len(shape) + 2 and labels.shape[-1] == 1:
        labels = labels.reshape(-1, *labels.shape[1:-1])
    if labels.shape[1:] != shape or labels.dtype.kind not in "biuf":
        message = f"the {part} labels are {labels.dtype} of the shape {written(labels.shape)}"
        raise DataError(message, _remedy(labels, objective))
    _check_whole(labels, part)
    _check_range(labels, objective, part, first)
    if first:
        values = np.asarray(labels)
        labels = values.astype(np.int32) - first
        if objective.ignored_index is not None:
            labels[values == objective.ignored_label] = objective.ignored_index
    indices = labels.astype(np.int32)
    # One class per example needs little memory, and every report reads the classes.
    return indices if shape else np.asarray(indices)


def _check_range(labels: Stored, objective: Objective, part: str, first: int) -> None:
    """Raise DataError where a label that counts is none of the classes of the network."""
    classes, ignored = objective.shape[-1], objective.ignored_label
    least, greatest = _range(labels, ignored) or (first, first)
    if first <= least and greatest < first + classes:
        return
    wrong = least if least < first else greatest
    known = f"the network has the classes {first} to {first + classes - 1}"
    if ignored is not None:
        known += f" and ignores {ignored}"
    message = f"a {part} label is {wrong}, and {known}"
    help = "change the units of the last layer, or the labels"
    if greatest - least + 1 == classes and not first:
        help = f"the labels count from {least}: add `labels_from: {least}` to data"
    elif ignored is None and _is_only_stray(wrong, labels, first, classes):
        help += f"; `ignore_class: {wrong}` in the loss leaves such targets out"
    raise DataError(message, help)


def _is_only_stray(label: int, labels: Stored, first: int, classes: int) -> bool:
    """Whether only this label is none of the classes, and it often means that there is none."""
    least, greatest = _range(labels, label) or (first, first)
    is_usual = label < 0 or label in (255, 65_535)
    return is_usual and first <= least and greatest < first + classes


def _check_whole(labels: Stored, part: str) -> None:
    """Raise DataError where a label is not a whole number."""
    for values in parts(labels) if labels.dtype.kind == "f" else ():
        if (wrong := values[~np.isfinite(values) | (values != np.floor(values))]).size:
            message = f"a {part} label is {wrong[0]:g}, and class indices are whole numbers"
            raise DataError(message, "correct the label; a loss on values takes other numbers")


def _range(labels: Stored, ignored: int | None) -> tuple[int, int] | None:
    """The minimum and the maximum of the labels that are not ignored; None where there are none."""
    shown = parts(labels) if ignored is None else (part[part != ignored] for part in parts(labels))
    ranges = [(int(part.min()), int(part.max())) for part in shown if part.size]
    if not ranges:
        return None
    return min(low for low, _ in ranges), max(high for _, high in ranges)


def _remedy(labels: Stored, objective: Objective) -> str:
    """What to do about labels that are no class indices, or have another shape."""
    shape, classes = objective.target_shape, objective.shape[-1]
    if labels.shape[1:] == (*shape, classes):
        if objective.ignored_label is not None:
            return "ignore_class is for class indices: numpy.argmax(labels, -1) computes them"
        return "use categorical_crossentropy, which takes one value a class"
    if shape and labels.ndim == 1:
        return (
            f"{objective.output} has classes for {written(shape)} positions; for one class each "
            "end with `- Flatten` and `- Dense: {units: CLASSES, activation: softmax}`"
        )
    if shape:
        return f"labels are whole numbers that count from 0, {written(shape)} an example"
    return "labels are whole numbers, one an image, that count from 0"


def _fault(values: NDArray[np.float32], objective: Objective) -> tuple[str, str] | None:
    """What is wrong with the targets of a loss on values, and what to do."""
    loss = objective.loss
    if not np.isfinite(values).all():
        return "values that are not finite", "clean the data"
    match loss.kind:
        case "binary" if values.min(initial=0) < 0 or values.max(initial=0) > 1:
            return "values outside of 0 to 1", f"{loss.tag} takes zeros and ones"
        case "signs" if not np.isin(values, (-1, 0, 1)).all():
            return "values other than -1, 0 and 1", f"{loss.tag} takes -1 and 1, or 0 and 1"
        case "distribution" | "one_hot" if values.min(initial=0) < 0:
            return "negative values", f"{loss.tag} takes a probability for every output"
        case _:
            return None


def class_weights(
    answers: Stored,
    requested: Mapping[str, float],
    network: Network,
    names: tuple[str, ...] | None,
) -> NDArray[np.float32]:
    """The weight (n,) of every example by its class; 1 for a class that is not `requested`.

    `names` are the classes that the data name. Raises DataError where `requested` has a class that
    does not exist.

    As Keras's class_weight (keras/src/trainers/data_adapters/data_adapter_utils.py, 3.15).
    """
    classes = max(network.graph.output.shape[-1], 2)
    known = class_names(network.spec.data, classes, names)
    for name in requested:
        if name not in known:
            message = f"class_weights names the class {name!r}, which the data do not have"
            meant = nearest(name, known)
            help = f"did you mean {meant}? " if meant else ""
            raise DataError(message, f"{help}the classes are {listed(known)}")
    # Targets that do not count, which may be of no class, have a weight after all others.
    weights = np.array([*(requested.get(name, 1.0) for name in known), 1.0], np.float32)
    places = np.concatenate([classes_of(part) for part in parts(answers)])
    if (ignored := objectives_of(network)[0].ignored_index) is not None:
        places[places == ignored] = len(known)
    return weights[places]


def classes_of(targets: Stored) -> NDArray[np.int64]:
    """The class (n,) of every example, of targets with one class an example."""
    answers: NDArray[Any] = np.asarray(targets)
    if answers.ndim > 1:
        answers = answers[:, 0] if answers.shape[-1] == 1 else answers.argmax(-1)
    return np.round(answers).astype(np.int64)
