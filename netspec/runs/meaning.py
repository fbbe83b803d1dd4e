"""What the outputs of a network mean: classes that exclude each other, labels, or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from netspec.checks.ends import End
from netspec.checks.objectives import Objective
from netspec.language.data import class_names
from netspec.network import Network
from netspec.numerics.measures import probabilities
from netspec.numerics.weights import Array
from netspec.text.diagnostics import RunError

Kind: TypeAlias = Literal["classes", "labels", "values"]

BINARY = 2  # classes of one sigmoid: no and yes


@dataclass(frozen=True)
class Meaning:
    """The kind of an output, and the name of each value along its last axis.

    `axes` are the axes before the last: none of a vector, (steps,), or (height, width). The
    probabilities of classes add up to 1: of a softmax, or of one sigmoid, whose second class it
    is. Each label has a probability. Values are unchanged outputs.
    """

    output: str
    kind: Kind
    names: tuple[str, ...]
    axes: tuple[int, ...]
    objective: Objective | None
    units: int

    @property
    def is_vector(self) -> bool:
        """Whether an example has one vector."""
        return not self.axes

    @property
    def has_steps(self) -> bool:
        """Whether an example has a vector for every step."""
        return len(self.axes) == 1

    @property
    def has_pixels(self) -> bool:
        """Whether an example has a vector for every pixel, or for places along more axes."""
        return len(self.axes) > 1

    def read(self, outputs: Array) -> Array:
        """Probabilities or values (n, *axes, names) of outputs (n, *axes, units)."""
        if self.objective and self.objective.taken_off is None:
            outputs = probabilities(outputs, self.objective)
        if self.kind == "classes" and self.units == 1:
            return np.concatenate([1 - outputs, outputs], -1)
        return outputs

    def unread(self, read: Array) -> Array:
        """The outputs (n, *axes, units), as Python's `predict` returns them, of `read` outputs."""
        return read[..., -self.units :]


def meanings_of(network: Network, recorded: tuple[str, ...] | None = None) -> tuple[Meaning, ...]:
    """What every output of a network means; `recorded` are the names of the classes in its data.

    The names of classes are of the only output, or of those outputs with as many classes. Raises
    RunError where names and the only output differ in number, or two names are the same.
    """
    ends = network.ends
    objectives = network.objectives or (None,) * len(ends)
    data = network.spec.data
    named = (data and data.class_names) or recorded
    if named and len(set(named)) < len(named):
        raise RunError(f"{network.graph.name} has two classes with one name", "rename one of them")
    return tuple(
        _meaning(network, end, objective, named)
        for end, objective in zip(ends, objectives, strict=True)
    )


def _meaning(
    network: Network, end: End, objective: Objective | None, named: tuple[str, ...] | None
) -> Meaning:
    *axes, units = end.shape
    data = network.spec.data
    activation = _activation(end, objective)
    if activation == "softmax":
        kind: Kind = "classes"
    elif activation == "sigmoid" and not (data and data.own_targets):
        kind = "classes" if units == 1 and (named is None or len(named) == BINARY) else "labels"
    else:
        kind = "values"
    expected = BINARY if kind == "classes" and units == 1 else units
    if named is not None and len(named) != expected:
        if len(network.ends) == 1:
            message = f"{network.graph.name} has {units} outputs, and class_names has "
            help = "one name for every class, in the order of their labels"
            raise RunError(f"{message}{len(named)} names", help)
        named = None
    labelled = data if kind == "classes" and data and data.class_names is None else None
    names = class_names(labelled, expected) if named is None else named
    return Meaning(end.name, kind, names, tuple(axes), objective, units)


def _activation(end: End, objective: Objective | None) -> str:
    """The activation that decides the meaning of an output: from the layer, or the loss."""
    if objective is not None and getattr(objective.loss, "from_logits", False):
        return str(objective.loss.probabilities)
    return end.activation
