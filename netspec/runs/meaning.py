"""What the outputs of a network mean: classes that exclude each other, labels, or values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from netspec.language.data import class_names
from netspec.network import Network
from netspec.numerics.measures import probabilities
from netspec.numerics.weights import Array
from netspec.text.diagnostics import RunError

Kind: TypeAlias = Literal["classes", "labels", "values"]

BINARY = 2  # classes of one sigmoid: no and yes


@dataclass(frozen=True)
class Meaning:
    """The kind of an output vector, and the name of each of its values.

    The probabilities of classes add up to 1: of a softmax, or of one sigmoid, whose second class it
    is. Each label has a probability. Values are unchanged outputs.
    """

    kind: Kind
    names: tuple[str, ...]
    network: Network

    def read(self, outputs: Array) -> Array:
        """Probabilities or values (n, names) of outputs (n, units)."""
        if self.network.objectives and self.network.objectives[0].taken_off is None:
            outputs = probabilities(outputs, self.network.objectives[0])
        if self.kind == "classes" and outputs.shape[-1] == 1:
            return np.concatenate([1 - outputs, outputs], -1)
        return outputs


def meaning_of(network: Network, names: tuple[str, ...] | None = None) -> Meaning:
    """What the only output of a network means; `names` are used instead of the spec's.

    Raises RunError where names and outputs differ in number, or two names are the same.
    """
    units = network.graph.output.shape[-1]
    activation = _activation(network)
    named = names
    if named is None and network.spec.data:
        named = network.spec.data.class_names
    if activation == "softmax":
        kind: Kind = "classes"
    elif activation == "sigmoid":
        kind = "classes" if units == 1 and (named is None or len(named) == BINARY) else "labels"
    else:
        kind = "values"
    expected = BINARY if kind == "classes" and units == 1 else units
    labelled = network.spec.data if kind == "classes" else None
    labels = class_names(labelled, expected) if named is None else named
    if len(labels) != expected:
        message = (
            f"{network.graph.name} has {units} outputs, and class_names has {len(labels)} names"
        )
        raise RunError(message, "one name for every class, in the order of their labels")
    if len(set(labels)) < len(labels):
        raise RunError(f"{network.graph.name} has two classes with one name", "rename one of them")
    return Meaning(kind, labels, network)


def _activation(network: Network) -> str:
    """The activation that decides the meaning of the output: from the layer, or the loss."""
    loss = network.objectives[0].loss if network.objectives else None
    if loss is not None and getattr(loss, "from_logits", False):
        return str(loss.probabilities)
    return network.ends[0].activation
