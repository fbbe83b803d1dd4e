"""Examples on a device: as they are stored, and as the network takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data import Examples
from netspec.data.mapped import Stored


@dataclass(frozen=True)
class Batch:
    """The examples of a step, as the network and its losses take them."""

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    weights: Tensor | None


@dataclass(frozen=True)
class Part:
    """Some examples as they are stored; without targets, these are the inputs."""

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    weights: Tensor | None
    scale: Tensor | None

    def __len__(self) -> int:
        return len(self.inputs[0])

    def tensors(self) -> Iterator[Tensor]:
        """Everything that it holds."""
        yield from self.inputs
        yield from self.targets
        if self.weights is not None:
            yield self.weights
        if self.scale is not None:
            yield self.scale

    def _each(self, made: Callable[[Tensor], Tensor]) -> Part:
        """The same, with what is made of every tensor of examples."""
        return Part(
            tuple(made(each) for each in self.inputs),
            tuple(made(each) for each in self.targets),
            None if self.weights is None else made(self.weights),
            self.scale,
        )

    def chosen(self, indices: Tensor) -> Part:
        """The examples of some indices, in memory of their own."""
        return self._each(lambda each: each.index_select(0, indices))

    def __getitem__(self, some: slice) -> Part:
        """Examples that follow one another, in the same memory."""
        return self._each(lambda each: each[some])

    def split(self, size: int) -> Iterator[Part]:
        """All of them in their order, `size` at a time."""
        for start in range(0, len(self), size):
            yield self[start : start + size]

    def copied(self) -> Part:
        """The same in memory of its own."""
        return self._each(Tensor.clone)

    def batch(self) -> Batch:
        """The examples as a step takes them."""
        inputs = tuple(self._values(each) for each in self.inputs)
        targets = tuple(_answers(each) for each in self.targets)
        return Batch(inputs, targets or inputs, self.weights)

    def _values(self, stored: Tensor) -> Tensor:
        """What the network takes: `scaled` of netspec.data.examples."""
        values = stored.to(torch.float32)
        return values if self.scale is None else values / self.scale


def placed(examples: Examples, device: torch.device) -> Part:
    """Examples on a device."""
    targets = () if examples.own_targets else examples.targets
    scale, weights = examples.scale, examples.weights
    return Part(
        tuple(_tensor(each, device) for each in examples.inputs),
        tuple(_tensor(each, device) for each in targets),
        None if weights is None else _tensor(weights, device),
        # A tensor, for CUDA multiplies by the reciprocal of a number, which rounds differently.
        None if scale == 1 else torch.tensor(scale, dtype=torch.float32, device=device),
    )


def _tensor(array: Stored, device: torch.device) -> Tensor:
    values: NDArray[Any] = np.asarray(array)
    if device.type != "cuda":
        return torch.from_numpy(values)
    return torch.from_numpy(values).pin_memory().to(device, non_blocking=True)


def _answers(targets: Tensor) -> Tensor:
    """The targets; class indices are int64, as PyTorch wants them."""
    return targets if targets.is_floating_point() else targets.long()
