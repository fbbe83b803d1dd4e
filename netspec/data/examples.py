"""Examples as a data set stores them, and what a network takes of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.mapped import Part, Selected, Stored
from netspec.graph import Graph

PART = 1000
"""The maximum number of examples that are read, or evaluated, at once."""

PART_BYTES = 16 << 20
"""What the largest array of theirs may take, as long as one example is not more."""

ALL = slice(None)


@dataclass(frozen=True)
class Examples:
    """The inputs of some examples, what the outputs should be, and what each example counts for.

    `inputs` holds an array (n, …) for every input of the network: integers of at most 16 bits, as
    images are stored, or float32. The network takes them as float32, divided by `scale`: a number
    for all inputs, or one for each. `targets` holds for every output class indices (n, …) int32 or
    values (n, …) float32, as its loss takes them; in an autoencoder it is `inputs` itself.
    `weights` is (n,) float32, or None where all count alike. Of either the arrays may be in their
    files; `streamed` is true where they, or arrays in memory, are too large for a device as a
    whole.
    """

    inputs: tuple[Stored, ...]
    targets: tuple[Stored, ...]
    weights: NDArray[np.float32] | None = None
    scale: float | tuple[float, ...] = 1.0
    streamed: bool = False

    def __len__(self) -> int:
        return len(self.inputs[0])

    def __getitem__(self, part: Part) -> Examples:
        """Some of the examples; a selection by indices is in memory."""
        inputs = tuple(array[part] for array in self.inputs)
        targets = inputs if self.own_targets else tuple(array[part] for array in self.targets)
        weights = None if self.weights is None else self.weights[part]
        return replace(self, inputs=inputs, targets=targets, weights=weights)

    def chosen(self, indices: NDArray[np.int64]) -> Examples:
        """The examples of rising indices; arrays that are in their files stay there."""
        inputs = tuple(selected(array, indices) for array in self.inputs)
        own_targets = self.own_targets
        targets = (
            inputs if own_targets else tuple(selected(array, indices) for array in self.targets)
        )
        weights = None if self.weights is None else self.weights[indices]
        return replace(self, inputs=inputs, targets=targets, weights=weights)

    @property
    def scales(self) -> tuple[float, ...]:
        """What each input is divided by."""
        if isinstance(self.scale, tuple):
            return self.scale
        return (self.scale,) * len(self.inputs)

    @property
    def own_targets(self) -> bool:
        """Whether each output should be the input itself, as the network takes it."""
        return self.targets is self.inputs

    def parts(self, largest: int = 0) -> Iterator[Examples]:
        """All of them in their order, as many at a time as memory bears.

        `largest` is how many values the largest array made of one example has.
        """
        size = at_once(max(largest, *(prod(array.shape[1:]) for array in self.inputs)))
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def values(self, part: Part = ALL) -> tuple[NDArray[np.float32], ...]:
        """The inputs of some examples as the network takes them; floats of all take memory."""
        pairs = zip(self.inputs, self.scales, strict=True)
        return tuple(scaled(np.asarray(array[part]), scale) for array, scale in pairs)

    def answers(self, part: Part = ALL) -> tuple[NDArray[Any], ...]:
        """What the outputs for some examples should be; in an autoencoder, the values."""
        if self.own_targets:
            return self.values(part)
        return tuple(np.asarray(array[part]) for array in self.targets)

    def in_memory(self) -> Examples:
        """The same, with every array in memory."""
        inputs = tuple(np.asarray(array) for array in self.inputs)
        own_targets = self.own_targets
        targets = inputs if own_targets else tuple(np.asarray(array) for array in self.targets)
        return replace(self, inputs=inputs, targets=targets)

    @property
    def nbytes(self) -> int:
        """What its inputs and targets take in memory."""
        arrays = self.inputs if self.own_targets else (*self.inputs, *self.targets)
        return sum(prod(array.shape) * array.dtype.itemsize for array in arrays)


def noun_of(graph: Graph) -> str:
    """What a message calls the examples of a network: images, or examples of another kind."""
    images = all(len(graph_input.shape) == 3 for graph_input in graph.inputs)
    return "images" if images else "examples"


def selected(array: Stored, indices: NDArray[np.int64]) -> Stored:
    """The examples of rising indices of an array, which stays in its file."""
    return array[indices] if isinstance(array, np.ndarray) else Selected(array, indices)


def parts(array: Stored) -> Iterator[NDArray[Any]]:
    """An array, in its order, as many examples at a time as memory bears."""
    size = at_once(prod(array.shape[1:]))
    for start in range(0, len(array), size):
        yield np.asarray(array[start : start + size])


def at_once(values: int) -> int:
    """How many arrays of so many float32 values are looked at at once."""
    return max(1, min(PART, PART_BYTES // (4 * max(values, 1))))


def scaled(stored: NDArray[Any], scale: float) -> NDArray[np.float32]:
    """What a network takes of values as they are stored: float32, divided in float32."""
    values = stored.astype(np.float32, copy=False)
    return values if scale == 1 else values / np.float32(scale)


def compact(array: Stored) -> Stored:
    """An array as examples hold it: no larger than float32, and what is smaller as it is."""
    small = array.dtype.kind in "iub" and array.dtype.itemsize <= 2
    return array if small else array.astype(np.float32, copy=False)
