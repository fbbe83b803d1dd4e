"""The gradients of a step, recorded once on a GPU and launched as a whole from then on.

A small network keeps a GPU waiting for Python: each of its kernels takes less time than its launch.
A CUDA graph launches all of them at once (PyTorch's notes on CUDA, "CUDA Graphs", 2.13). The
optimizer stays outside, for it takes numbers that change from step to step.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn

from netspec_torch.figures import Figures

WARM_UP = 3
"""Computations before one is recorded, in which libraries choose their kernels."""


@dataclass(frozen=True)
class Batch:
    """The examples of a step."""

    inputs: tuple[Tensor, ...]
    targets: tuple[Tensor, ...]
    weights: Tensor | None

    def tensors(self) -> Iterator[Tensor]:
        """Everything that it holds."""
        yield from self.inputs
        yield from self.targets
        if self.weights is not None:
            yield self.weights

    def copied(self) -> Batch:
        """The same in memory of its own."""
        weights = None if self.weights is None else self.weights.clone()
        inputs, targets = (tuple(each.clone() for each in it) for it in (self.inputs, self.targets))
        return Batch(inputs, targets, weights)


Gradients: TypeAlias = Callable[[Batch], Figures]
"""Sets the gradients of all weights for a batch. The next call may write over what it gave."""

Record: TypeAlias = Callable[[Callable[[], Figures]], tuple[Figures, Callable[[], None]]]
"""Records a computation: gives its figures, and what writes new ones over them."""


def cuda_graph(compute: Callable[[], Figures]) -> tuple[Figures, Callable[[], None]]:
    """Record a computation in a CUDA graph. Raises RuntimeError where it waits for the GPU."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(WARM_UP):
            compute()
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Another thread may be reading examples meanwhile, and set memory aside for them.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        figures = compute()
    return figures, graph.replay


class Captured:
    """Gradients that are recorded for the first whole batch, and launched for every other.

    A batch of another size is computed as it is, and so is every batch where nothing can be
    recorded, of which a warning tells.
    """

    def __init__(self, compute: Gradients, model: nn.Module, size: int, record: Record) -> None:
        self._compute = compute
        self._model = model
        self.size = size
        self._record = record
        self._recorded: _Recorded | None = None
        self._refused = False

    def __call__(self, batch: Batch) -> Figures:
        if self._refused or len(batch.inputs[0]) != self.size:
            return self._compute(batch)
        if self._recorded is None:
            try:
                self._recorded = _Recorded(self._compute, self._model, batch, self._record)
            except RuntimeError as error:
                self._refused = True
                reason = str(error).partition("\n")[0]
                message = (
                    f"no CUDA graph holds this network ({reason}); its kernels start one by one"
                )
                warnings.warn(message, stacklevel=2)
                return self._compute(batch)
        return self._recorded(batch)


class _Recorded:
    """A recording, with the memory that it reads and writes."""

    def __init__(self, compute: Gradients, model: nn.Module, batch: Batch, record: Record) -> None:
        self._batch = batch.copied()
        buffers = [*model.buffers()]
        before = [each.clone() for each in buffers]
        device = batch.inputs[0].device
        # What recording computes is no step: statistics and random numbers stay as they were.
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            try:
                self._figures, self._replay = record(lambda: compute(self._batch))
            finally:
                _copy(before, buffers)
        self._weights = [each for each in model.parameters() if each.grad is not None]
        self._gradients = [each.grad for each in self._weights]

    def __call__(self, batch: Batch) -> Figures:
        _copy([*batch.tensors()], [*self._batch.tensors()])
        self._replay()
        # A batch that was computed as it is has put its own gradients there.
        for weight, gradient in zip(self._weights, self._gradients, strict=True):
            weight.grad = gradient
        return self._figures


@torch.no_grad()
def _copy(values: Sequence[Tensor], into: Sequence[Tensor]) -> None:
    for value, target in zip(values, into, strict=True):
        target.copy_(value)
