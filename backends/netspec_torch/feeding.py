"""Feeds the steps of a training: from examples on the device, or from a stream of their parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from netspec.data import Examples
from netspec.data.mapped import Stored
from netspec.data.streaming import steps_of_stream, streamed
from netspec_torch.capture import Batch


class Feed(Protocol):
    """Where the batches come from."""

    def steps(self, batch_size: int, most: int) -> int:
        """How many steps are fed at once, of `most` at the most."""
        ...

    def parts(
        self, order: NDArray[np.int64], batch_size: int, steps: int
    ) -> Iterator[Iterator[Batch]]:
        """The batches of the examples in this order, those of `steps` steps at a time."""
        ...


def feed(examples: Examples, device: torch.device) -> Feed:
    """The examples on the device where they fit it, else a stream of them."""
    if examples.streamed or examples.nbytes > _room(device):
        return _Stream(examples, device)
    return _Resident(examples, device)


def _room(device: torch.device) -> float:
    """The bytes that a GPU has for examples: half of its free memory."""
    if device.type != "cuda":
        return float("inf")
    free, _ = torch.cuda.mem_get_info(device)
    return free // 2


class _Resident:
    """Examples on the device, as they are stored."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._tensors = _tensors(examples, device)
        self._device = device

    def steps(self, batch_size: int, most: int) -> int:  # noqa: ARG002 - it bounds nothing here
        return most

    def parts(
        self, order: NDArray[np.int64], batch_size: int, steps: int
    ) -> Iterator[Iterator[Batch]]:
        indices = torch.from_numpy(order).to(self._device)
        for chosen in indices.split(steps * batch_size):
            yield self._tensors.chosen(chosen).batches(batch_size)


class _Stream:
    """Examples that come part by part; the next part is read while one is in use."""

    def __init__(self, examples: Examples, device: torch.device) -> None:
        self._examples = examples
        self._device = device
        # What is copied on a stream of its own does not wait for the steps.
        self._copies = torch.cuda.Stream(device) if device.type == "cuda" else None

    def steps(self, batch_size: int, most: int) -> int:
        return steps_of_stream(self._examples, batch_size, most)

    def parts(
        self, order: NDArray[np.int64], batch_size: int, steps: int
    ) -> Iterator[Iterator[Batch]]:
        for tensors in streamed(self._examples, order, steps * batch_size, self._placed):
            if self._copies is not None:
                torch.cuda.current_stream(self._device).wait_stream(self._copies)
            yield tensors.batches(batch_size)

    def _placed(self, part: Examples) -> _Tensors:
        if self._copies is None:
            return _tensors(part, self._device)
        with torch.cuda.stream(self._copies):
            tensors = _tensors(part, self._device)
        # The steps read them on another stream, and their memory is not free before these are done.
        for each in (*tensors.inputs, *tensors.targets, tensors.weights, tensors.scale):
            if each is not None:
                each.record_stream(torch.cuda.default_stream(self._device))
        return tensors


@dataclass(frozen=True)
class _Tensors:
    """Examples on the device, as they are stored; without targets, these are the inputs."""

    inputs: list[Tensor]
    targets: list[Tensor]
    weights: Tensor | None
    scale: Tensor | None

    def chosen(self, indices: Tensor) -> _Tensors:
        """Some of the examples."""
        return replace(
            self,
            inputs=[each.index_select(0, indices) for each in self.inputs],
            targets=[each.index_select(0, indices) for each in self.targets],
            weights=None if self.weights is None else self.weights[indices],
        )

    def batches(self, size: int) -> Iterator[Batch]:
        """All of them in their order, `size` at a time."""
        inputs = [each.split(size) for each in self.inputs]
        targets = [_answers(each).split(size) for each in self.targets]
        weights = None if self.weights is None else self.weights.split(size)
        for step in range(len(inputs[0])):
            values = tuple(self._values(each[step]) for each in inputs)
            answers = tuple(each[step] for each in targets) if targets else values
            yield Batch(values, answers, None if weights is None else weights[step])

    def _values(self, stored: Tensor) -> Tensor:
        """What the network takes: `scaled` of netspec.data.examples."""
        values = stored.to(torch.float32)
        return values if self.scale is None else values / self.scale


def _tensors(examples: Examples, device: torch.device) -> _Tensors:
    targets = () if examples.own_targets else examples.targets
    scale, weights = examples.scale, examples.weights
    return _Tensors(
        [_tensor(each, device) for each in examples.inputs],
        [_tensor(each, device) for each in targets],
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
