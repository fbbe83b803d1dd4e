"""Steps of a training, recorded once on a GPU and launched together from then on.

A small network keeps a GPU waiting for Python: each of its kernels takes less time than its launch.
A CUDA graph launches all kernels of several steps at once (PyTorch's notes on CUDA, "CUDA Graphs",
2.13). It reads and writes the same memory each time, so the examples of its steps and the numbers
that their updates take are first copied to where it looks for them.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

import torch
from torch import Tensor

from netspec_torch.examples import Part
from netspec_torch.figures import Figures, Gathered

STEPS = 25
"""Steps of a launch at the most: what it costs the processor is little against so many."""

Numbers: TypeAlias = Sequence[float | Tensor]
"""What the update of a step takes: see `netspec_torch.optimizers`."""

Step: TypeAlias = Callable[[Part, Numbers], Figures]
"""Takes a step, in a way that does not change but for the examples and the numbers."""

Record: TypeAlias = Callable[[Callable[[], Figures]], tuple[Figures, Callable[[], None]]]
"""Records a computation: gives its figures, and what writes new ones over them."""


def cuda_graph(compute: Callable[[], Figures]) -> tuple[Figures, Callable[[], None]]:
    """Record a computation in a CUDA graph. Raises RuntimeError where it waits for the GPU."""
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        compute()  # in which libraries choose their kernels
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    # Another thread may be reading examples meanwhile, and set memory aside for them.
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):
        figures = compute()
    return figures, graph.replay


class Launched:
    """So many steps of so many examples each, recorded when they are first taken.

    Where nothing can be recorded, they are taken one by one, of which a warning tells. `state`
    gives what the steps change.
    """

    def __init__(
        self,
        step: Step,
        state: Callable[[], Iterable[Tensor]],
        steps: int,
        size: int,
        record: Record,
    ) -> None:
        self._step = step
        self._state = state
        self.steps = steps
        self.size = size
        self._record = record
        self._recorded: _Recorded | None = None
        self._refused = False

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Figures:
        """Take `steps` steps. The next call may write over the figures."""
        if self._recorded is None and not self._refused:
            try:
                state = [*self._state()]
                self._recorded = _Recorded(self._step, state, examples, numbers, self._record)
            except RuntimeError as error:
                self._refused = True
                reason = str(error).partition("\n")[0]
                message = (
                    f"no CUDA graph holds this network ({reason}); its kernels start one by one"
                )
                warnings.warn(message, stacklevel=2)
        if self._recorded is None:
            return _one_by_one(self._step, examples, numbers)
        return self._recorded(examples, numbers)


def _one_by_one(step: Step, examples: Part, numbers: Sequence[Numbers]) -> Figures:
    """Take a step for each of the numbers, of as many examples each."""
    gathered = Gathered(len(numbers), len(examples))
    for part, each in zip(examples.split(len(examples) // len(numbers)), numbers, strict=True):
        gathered.add(step(part, each))
    return gathered.figures()


class _Recorded:
    """A recording, with the memory that it reads and writes."""

    def __init__(
        self,
        step: Step,
        state: Sequence[Tensor],
        examples: Part,
        numbers: Sequence[Numbers],
        record: Record,
    ) -> None:
        self._examples = examples.copied()
        device = examples.inputs[0].device
        self._numbers = torch.tensor(numbers, dtype=torch.float32, device=device)
        rows = [row.unbind() for row in self._numbers.unbind()]
        before = [each.detach().clone() for each in state]
        # What recording computes is no step: the state and random numbers stay as they were.
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            try:
                compute = lambda: _one_by_one(step, self._examples, rows)  # noqa: E731
                self._figures, self._replay = record(compute)
            finally:
                _copy(before, state)

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Figures:
        _copy(examples.tensors(), self._examples.tensors())
        # From memory that may be paged this waits for nothing, if it may be done later.
        self._numbers.copy_(torch.tensor(numbers), non_blocking=True)
        self._replay()
        return self._figures


@torch.no_grad()
def _copy(values: Iterable[Tensor], into: Iterable[Tensor]) -> None:
    for value, target in zip(values, into, strict=True):
        target.copy_(value)
