"""Examples on a device: as they are stored, and as inputs of the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data import Examples
from netspec.data.mapped import Stored

Scales: TypeAlias = tuple[Tensor | None, ...]
"""The divisor of each input; None for an input that is not divided."""


@dataclass(frozen=True)
class Batch:
    """The examples of a step, as the network and its losses take them."""

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    weights: Tensor | None


@dataclass(frozen=True)
class Part:
    """Some examples as they are stored. Without targets the inputs are the targets."""

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    weights: Tensor | None
    scales: Scales

    def __len__(self) -> int:
        return len(self.inputs[0])

    def tensors(self) -> Iterator[Tensor]:
        """All tensors."""
        yield from self.inputs
        yield from self.targets
        if self.weights is not None:
            yield self.weights
        yield from (scale for scale in self.scales if scale is not None)

    def _with(self, change: Callable[[Tensor], Tensor]) -> Part:
        """The same with every tensor of examples changed by a function."""
        return Part(
            tuple(map(change, self.inputs)),
            tuple(map(change, self.targets)),
            None if self.weights is None else change(self.weights),
            self.scales,
        )

    def chosen(self, indices: Tensor) -> Part:
        """The examples at some indices, in separate memory."""
        return self._with(lambda tensor: tensor.index_select(0, indices))

    def __getitem__(self, some: slice) -> Part:
        """Examples that follow one another, in the same memory."""
        return self._with(lambda tensor: tensor[some])

    def split(self, size: int) -> Iterator[Part]:
        """All of them in their order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def copied(self) -> Part:
        """The same in separate memory."""
        return self._with(Tensor.clone)

    def batch(self) -> Batch:
        """The examples as a step takes them."""
        pairs = zip(self.inputs, self.scales, strict=True)
        inputs = tuple(_values(stored, scale) for stored, scale in pairs)
        targets = tuple(map(_answers, self.targets))
        return Batch(inputs, targets or inputs, self.weights)


def _values(stored: Tensor, scale: Tensor | None) -> Tensor:
    """The values of an input, as `scaled` of netspec.data.examples computes them."""
    values = stored.to(torch.float32)
    return values if scale is None else values / scale


def placed(examples: Examples, device: torch.device) -> Part:
    """Examples on a device."""
    move: Callable[[Tensor], Tensor] = lambda tensor: tensor.to(device)  # noqa: E731
    return _part(examples, move, scales_of(examples, device))


def copied_later(examples: Examples, device: torch.device, scales: Scales) -> Part:
    """Examples that are copied to a GPU on the current stream, while the program goes on."""

    def move(tensor: Tensor) -> Tensor:
        return tensor.pin_memory().to(device, non_blocking=True)

    return _part(examples, move, scales)


def scales_of(examples: Examples, device: torch.device) -> Scales:
    """The divisor of each input, on a device.

    They are tensors: CUDA multiplies by the reciprocal of a number, which rounds differently.
    """
    return tuple(
        None if scale == 1 else torch.tensor(scale, dtype=torch.float32, device=device)
        for scale in examples.scales
    )


def _part(examples: Examples, move: Callable[[Tensor], Tensor], scales: Scales) -> Part:
    targets = () if examples.own_targets else examples.targets
    return Part(
        tuple(move(_tensor(array)) for array in examples.inputs),
        tuple(move(_tensor(array)) for array in targets),
        None if examples.weights is None else move(_tensor(examples.weights)),
        scales,
    )


def _tensor(array: Stored) -> Tensor:
    values: NDArray[Any] = np.asarray(array)
    return torch.from_numpy(values)


def _answers(targets: Tensor) -> Tensor:
    """The targets; class indices are int64, as PyTorch requires."""
    return targets if targets.is_floating_point() else targets.long()
