"""Steps of a training, recorded once on a GPU and afterwards launched together.

With a small network the GPU waits for Python: each kernel takes less time than its launch. A CUDA
graph launches all kernels of several steps at once (PyTorch's notes on CUDA, "CUDA Graphs", 2.13).
It reads and writes the same memory each time. So the examples of its steps and the numbers of their
updates are first copied into this memory.
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
from netspec_torch.results import Gathered, Results

STEPS = 25
"""The maximum steps of a launch. The time that the processor needs for a launch is then small."""

NODES = 5_000
"""The maximum operations of a recording, unless one step has more. More take seconds to record."""

WARM_UP = 3
"""Steps before a recording, in which libraries choose their kernels."""

ENOUGH = 100
"""Steps of a training from which a recording saves more time than it takes."""

SWITCH = "NETSPEC_CUDA_GRAPHS"
"""The environment variable that turns recording off with the value 0."""

Numbers: TypeAlias = Sequence[float | Tensor]
"""What the update of a step takes: see `netspec_torch.optimizers`."""

Step: TypeAlias = Callable[[Part, Numbers], Results]
"""Takes a step. Only the examples and the numbers differ between two calls."""


def recording_allowed() -> bool:
    """Whether the user allows that steps are recorded."""
    return os.environ.get(SWITCH) != "0"


class Recorder(Protocol):
    """Records computations of one device."""

    def warm_up(self, compute: Callable[[], object]) -> None:
        """Compute as a recording does. Raises RuntimeError where that cannot be recorded."""
        ...

    def record(self, compute: Callable[[], Results]) -> tuple[Results, Callable[[], None]]:
        """Record a computation: its results, and a function that overwrites them with new ones."""
        ...


class CudaGraphs:
    """Records CUDA graphs. They share the memory of their intermediate values."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._pool: Any = None  # Any: an opaque handle

    def warm_up(self, compute: Callable[[], object]) -> None:
        main, side = torch.cuda.current_stream(self._device), torch.cuda.Stream(self._device)
        mode = torch.cuda.get_sync_debug_mode()
        side.wait_stream(main)
        try:
            # A failed recording is hard to recover from. So an operation that waits raises here.
            _set_sync_mode("error")
            with torch.cuda.stream(side):
                compute()
        finally:
            _set_sync_mode(mode)
            main.wait_stream(side)

    def record(self, compute: Callable[[], Results]) -> tuple[Results, Callable[[], None]]:
        main, side = torch.cuda.current_stream(self._device), torch.cuda.Stream(self._device)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.device(self._device):
            try:
                # Another thread may read examples at the same time, and allocate memory for them.
                with torch.cuda.graph(graph, self._pool, side, capture_error_mode="thread_local"):
                    results = compute()
            finally:
                # A failed recording leaves its stream current (torch/cuda/graphs.py, 2.13).
                torch.cuda.set_stream(main)
        self._pool = graph.pool()
        return results, graph.replay


def _set_sync_mode(mode: int | str) -> None:
    with warnings.catch_warnings():
        # PyTorch warns once that the mode may miss a wait: the recording itself then fails.
        warnings.filterwarnings("ignore", "Synchronization debug mode", UserWarning)
        torch.cuda.set_sync_debug_mode(mode)


class Launched:
    """Steps of `size` examples each, recorded when they are first taken.

    Where nothing can be recorded, they are taken one by one, with a warning. `state` returns the
    tensors that the steps change.
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

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Iterator[Results]:
        """Take a step of `size` examples for each of the numbers.

        Yields the results of some steps at a time. The next steps may overwrite them.
        """
        start = 0
        while start < len(numbers):
            stop = start + self._count(examples, numbers[start:])
            part = examples[start * self.size : stop * self.size]
            yield self._take(part, numbers[start:stop])
            start = stop

    def drop(self) -> bool:
        """Free the recordings, and record no more. Returns whether there were any."""
        dropped = bool(self._recordings)
        self._recordings.clear()
        self._refused = True
        free_memory()
        return dropped

    def _count(self, examples: Part, numbers: Sequence[Numbers]) -> int:
        """How many of the steps to take next at once: many, or one where only a few are left."""
        if self._most is None and not self._refused:
            self._warm_up(examples[: self.size], numbers[0], len(numbers))
        if self._most is None or self._refused:
            return len(numbers)
        return self._most if self._most <= len(numbers) else 1

    def _warm_up(self, examples: Part, numbers: Numbers, steps: int) -> None:
        """Take steps and undo them, and count the operations of a step."""
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

    def _take(self, examples: Part, numbers: Sequence[Numbers]) -> Results:
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

        Before 2.13 PyTorch's generator then stays in the state of a recording
        (CUDAGeneratorImpl.cpp).
        """
        if self._draws and _release() < (2, 13):
            message = f"the steps of this network cannot be recorded: {_reason(error)}"
            raise BackendError(message, f"set {SWITCH}=0 in the environment") from None


class _Operations(TorchDispatchMode):
    """Counts the operations of a computation, except views, which launch no kernel."""

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
        self._results, self._replay = recorder.record(compute)

    def __call__(self, examples: Part, numbers: Sequence[Numbers]) -> Results:
        _copy(examples.tensors(), self._examples.tensors())
        # A copy from pageable memory returns at once only if it is allowed to end later.
        self._numbers.copy_(torch.tensor(numbers), non_blocking=True)
        self._replay()
        return self._results


@contextmanager
def _undone(state: Iterable[Tensor], device: torch.device) -> Iterator[None]:
    """Restore the state and the random numbers after computations that are not steps."""
    tensors = [*state]
    values = [tensor.detach().clone() for tensor in tensors]
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        try:
            yield
        finally:
            _copy(values, tensors)


def _one_by_one(step: Step, examples: Part, numbers: Sequence[Numbers]) -> Results:
    """Take a step for each of the numbers, all with the same number of examples."""
    gathered = Gathered(len(numbers), len(examples))
    size = len(examples) // len(numbers)
    for part, values in zip(examples.split(size), numbers, strict=True):
        gathered.add(step(part, values))
    return gathered.results()


@torch.no_grad()
def _copy(values: Iterable[Tensor], into: Iterable[Tensor]) -> None:
    for value, target in zip(values, into, strict=True):
        target.copy_(value)


def _random_state(device: torch.device) -> Tensor:
    """The state of the random numbers of a device."""
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


def _reason(error: RuntimeError) -> str:
    return str(error).partition("\n")[0]


def _release() -> tuple[int, ...]:
    """The first two numbers of PyTorch's version."""
    return tuple(int(number) for number in torch.__version__.split(".")[:2])
