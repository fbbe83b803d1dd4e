"""Steps of a training, recorded once on a GPU and launched together from then on.

A small network keeps a GPU waiting for Python: each of its kernels takes less time than its launch.
A CUDA graph launches all kernels of several steps at once (PyTorch's notes on CUDA, "CUDA Graphs",
2.13). It reads and writes the same memory each time, so the examples of its steps and the numbers
that their updates take are first copied to where it looks for them.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from netspec.text.diagnostics import BackendError
from netspec_torch.devices import free_memory
from netspec_torch.examples import Part
from netspec_torch.figures import Figures, Gathered

STEPS = 25
"""Steps of a launch at most: what a launch costs the processor is little against so many."""

NODES = 5_000
"""Operations of a recording at most, unless one step has more: to build more takes seconds."""

WARM_UP = 3
"""Steps before a recording, in which libraries choose their kernels."""

ENOUGH = 100
"""Steps of a training from which a recording saves more time than it takes."""

SWITCH = "NETSPEC_CUDA_GRAPHS"
"""The environment variable that turns recording off with the value 0."""

Numbers: TypeAlias = Sequence[float | Tensor]
"""What the update of a step takes: see `netspec_torch.optimizers`."""

Step: TypeAlias = Callable[[Part, Numbers], Figures]
"""Takes a step, in a way that does not change but for the examples and the numbers."""


def recording_allowed() -> bool:
    """Whether the user lets steps be recorded."""
    return os.environ.get(SWITCH) != "0"


class Recorder(Protocol):
    """Records computations of one device."""

    def warm_up(self, compute: Callable[[], object]) -> None:
        """Compute as a recording does. Raises RuntimeError where that cannot be recorded."""
        ...

    def record(self, compute: Callable[[], Figures]) -> tuple[Figures, Callable[[], None]]:
        """Record a computation: its figures, and a function that writes new ones over them."""
        ...


class CudaGraphs:
    """Records CUDA graphs. They share the memory of what they compute on the way."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool: Any = None  # Any: an opaque handle

    def warm_up(self, compute: Callable[[], object]) -> None:
        main, side = torch.cuda.current_stream(self._device), torch.cuda.Stream(self._device)
        mode = torch.cuda.get_sync_debug_mode()
        side.wait_stream(main)
        try:
            # A recording that fails is hard to recover from. So what waits for the GPU raises here.
            _set_sync_mode("error")
            with torch.cuda.stream(side):
                compute()
        finally:
            _set_sync_mode(mode)
            main.wait_stream(side)

    def record(self, compute: Callable[[], Figures]) -> tuple[Figures, Callable[[], None]]:
        main, side = torch.cuda.current_stream(self._device), torch.cuda.Stream(self._device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            try:
                # Another thread may read examples meanwhile, and allocate memory for them.
                with torch.cuda.graph(graph, self._pool, side, capture_error_mode="thread_local"):
                    figures = compute()
            finally:
                # A recording that fails leaves its own stream current (torch/cuda/graphs.py, 2.13).
                torch.cuda.set_stream(main)
        self._pool = graph.pool()
        return figures, graph.replay


def _set_sync_mode(mode: int | str) -> None:
    with warnings.catch_warnings():
        # PyTorch warns once that the mode may miss a wait: the recording itself then fails.
        warnings.filterwarnings("ignore", "Synchronization debug mode", UserWarning)
        torch.cuda.set_sync_debug_mode(mode)


class Launched:
    """Steps of so many examples each, recorded when they are first taken.

    Where nothing can be recorded, they are taken one by one, of which a warning tells. `state`
    returns what the steps change.
    """

    def __init__(
        self, step: Step, state: Callable[[], Iterable[Tensor]], size: int, recorder: Recorder
    ) -> None:
        self._step = step
        self._state = state
        self.size = size
        self._recorder = recorder
        self._recordings: dict[int, _Recording] = {}
        self._most: int | None = None
        self._refused = False
        self._draws = False

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Iterator[Figures]:
        """Take a step for each of the numbers, of `size` examples each.

        Yields the figures of some steps at a time, which the next steps may write over.
        """
        start = 0
        while start < len(numbers):
            stop = start + self._count(examples, numbers[start:])
            part = examples[start * self.size : stop * self.size]
            yield self._take(part, numbers[start:stop])
            start = stop

    def drop(self) -> bool:
        """Free the recordings and make no more. Returns whether there were any."""
        dropped = bool(self._recordings)
        self._recordings.clear()
        self._refused = True
        free_memory()
        return dropped

    def _count(self, examples: Part, numbers: Sequence[Numbers]) -> int:
        """How many of the steps to take next at once: many, or one of those that are left over."""
        if self._most is None and not self._refused:
            self._warm_up(examples[: self.size], numbers[0], len(numbers))
        if self._most is None or self._refused:
            return len(numbers)
        return self._most if self._most <= len(numbers) else 1

    def _warm_up(self, examples: Part, numbers: Numbers, steps: int) -> None:
        """Take steps that are undone, and count what a step launches."""
        device = examples.inputs[0].device
        operations = _Operations()
        row = [torch.tensor(number, dtype=torch.float32, device=device) for number in numbers]
        before = _random_state(device)

        def compute() -> None:
            for _ in range(WARM_UP - 1):
                self._step(examples, row)
            with operations:
                self._step(examples, row)

        try:
            with _undone(self._state(), device):
                self._recorder.warm_up(compute)
                self._draws = not torch.equal(before, _random_state(device))
        except RuntimeError as error:
            self._refuse(error)
            return
        self._most = max(1, min(STEPS, NODES // max(1, operations.count), steps))

    def _take(self, examples: Part, numbers: Sequence[Numbers]) -> Figures:
        steps = len(numbers)
        if steps not in self._recordings and not self._refused:
            try:
                recording = _Recording(examples, numbers)
                with _undone(self._state(), examples.inputs[0].device):
                    recording.record(self._step, self._recorder)
                self._recordings[steps] = recording
            except RuntimeError as error:
                self._check_random_numbers(error)
                self._refuse(error)
        if self._refused:
            return _one_by_one(self._step, examples, numbers)
        return self._recordings[steps](examples, numbers)

    def _refuse(self, error: RuntimeError) -> None:
        self.drop()
        message = (
            f"no CUDA graph holds this network ({_reason(error)}); its kernels start one by one"
        )
        warnings.warn(message, stacklevel=2)

    def _check_random_numbers(self, error: RuntimeError) -> None:
        """Raise BackendError where random numbers cannot be drawn after a recording that failed.

        Before 2.13 PyTorch's generator then stays as a recording needs it (CUDAGeneratorImpl.cpp).
        """
        if self._draws and _release() < (2, 13):
            message = f"the steps of this network cannot be recorded: {_reason(error)}"
            raise BackendError(message, f"set {SWITCH}=0 in the environment") from None


class _Operations(TorchDispatchMode):
    """Counts the operations of a computation, without those that only look at memory."""

    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> Any:  # Any: PyTorch's own signature
        self.count += not func.is_view
        return func(*args, **(kwargs or {}))


class _Recording:
    """A recording of some steps, with the memory that it reads and writes."""

    def __init__(self, examples: Part, numbers: Sequence[Numbers]) -> None:
        self._examples = examples.copied()
        device = examples.inputs[0].device
        self._numbers = torch.tensor(numbers, dtype=torch.float32, device=device)

    def record(self, step: Step, recorder: Recorder) -> None:
        rows = [row.unbind() for row in self._numbers.unbind()]
        compute = lambda: _one_by_one(step, self._examples, rows)  # noqa: E731
        self._figures, self._replay = recorder.record(compute)

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Figures:
        _copy(examples.tensors(), self._examples.tensors())
        # From memory that may be paged this waits for nothing, if it may be done later.
        self._numbers.copy_(torch.tensor(numbers), non_blocking=True)
        self._replay()
        return self._figures


@contextmanager
def _undone(state: Iterable[Tensor], device: torch.device) -> Iterator[None]:
    """Computations that are no steps: the state and the random numbers stay as they were."""
    tensors = [*state]
    values = [tensor.detach().clone() for tensor in tensors]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            _copy(values, tensors)


def _one_by_one(step: Step, examples: Part, numbers: Sequence[Numbers]) -> Figures:
    """Take a step for each of the numbers, of as many examples each."""
    gathered = Gathered(len(numbers), len(examples))
    size = len(examples) // len(numbers)
    for part, values in zip(examples.split(size), numbers, strict=True):
        gathered.add(step(part, values))
    return gathered.figures()


@torch.no_grad()
def _copy(values: Iterable[Tensor], into: Iterable[Tensor]) -> None:
    for value, target in zip(values, into, strict=True):
        target.copy_(value)


def _random_state(device: torch.device) -> Tensor:
    """Where the random numbers of a device are."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _reason(error: RuntimeError) -> str:
    return str(error).partition("\n")[0]


def _release() -> tuple[int, ...]:
    """The first two numbers of PyTorch's version."""
    return tuple(int(number) for number in torch.__version__.split(".")[:2])
