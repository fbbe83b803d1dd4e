"""How many targets are of each class."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from netspec.checks.objectives import Objective
from netspec.data.examples import Examples, parts
from netspec.data.targets import objectives_of
from netspec.language.data import class_names
from netspec.network import Network

KINDS = ("classes", "one_hot", "binary")
"""The kinds of losses whose targets are classes."""


def class_count(objective: Objective) -> int | None:
    """The number of classes of an output; None where its targets are no classes."""
    if objective.loss.kind not in KINDS:
        return None
    units = objective.shape[-1]
    return 2 if objective.loss.kind == "binary" and units == 1 else units


def names_of_classes(
    network: Network, recorded: tuple[str, ...] | None, count: int
) -> tuple[str, ...]:
    """The names of the classes of an output: of the spec or the data where it is the only one."""
    if len(objectives_of(network)) > 1:
        return class_names(None, count)
    return class_names(network.spec.data, count, recorded)


def class_counts(examples: Examples, place: int, objective: Objective) -> NDArray[np.int64] | None:
    """The number of targets (classes,) of each class, of the output at a place.

    None for targets that are no classes. An example of several labels counts for each of them, and
    a target with the loss's `ignore_class` for none.
    """
    classes = class_count(objective)
    if examples.own_targets or classes is None:
        return None
    counts = np.zeros(classes, np.int64)
    indices = objective.loss.kind == "classes" or classes != objective.shape[-1]
    for part in parts(examples.targets[place]):
        if indices:
            present = np.round(part).astype(np.int64).ravel()
            if objective.ignored_index is not None:
                present = present[present != objective.ignored_index]
            counts += np.bincount(present[present < classes], minlength=classes)
        else:
            counts += np.count_nonzero(part.reshape(-1, classes) > 0, 0)
    return counts


def ignored_count(examples: Examples, place: int, objective: Objective) -> int:
    """How many targets of the output at a place have the `ignore_class` of its loss."""
    if examples.own_targets or objective.ignored_index is None:
        return 0
    index = objective.ignored_index
    return sum(int(np.count_nonzero(part == index)) for part in parts(examples.targets[place]))
