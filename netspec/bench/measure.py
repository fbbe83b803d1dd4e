"""Times every form at every batch size, each in a separate process, in turns."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import numpy as np

from netspec.backend import Device
from netspec.bench import subject
from netspec.bench.forms import Named
from netspec.bench.subject import Subject
from netspec.bench.worker import FormError, Worker
from netspec.numerics.weights import Array

ROUNDS = 4
"""The number of turns of a measurement."""


@dataclass(frozen=True)
class Figures:
    """The measurements of a form at a batch size.

    `seconds` has the seconds of every call. `peak` is the peak memory of the process until then, in
    bytes, None where the system does not report it. `difference` is the largest difference of any
    output from the first form.
    """

    batch_size: int
    seconds: tuple[float, ...]
    peak: int | None
    difference: float

    @property
    def images_per_second(self) -> float:
        return self.batch_size * len(self.seconds) / sum(self.seconds)

    def latency(self, percent: float) -> float:
        """The maximum of the seconds of the fastest `percent` of the calls."""
        return float(np.percentile(self.seconds, percent))


@dataclass(frozen=True)
class Row:
    """A form at a batch size, on a device: its measurements, or the reason why there are none."""

    form: Named
    device: str
    batch_size: int
    result: Figures | str


class Progress(Protocol):
    """Shows the progress of the measurements."""

    def shows(self, doing: str) -> None:
        """The next step begins."""
        ...

    def advances(self) -> None:
        """One of the `steps` is done."""
        ...


def steps(forms: int, sizes: int) -> int:
    """The number of steps of progress: every form is made, and warmed up for every size."""
    return forms * (1 + 2 * sizes)


def measure(
    measured: Subject,
    forms: Sequence[Named],
    sizes: Sequence[int],
    seconds: float,
    device: Device,
    progress: Progress,
) -> list[Row]:
    """A row for every batch size and form, in this order.

    The sizes are measured from the smallest to the largest. So the peak memory belongs to the
    current size.
    """
    with TemporaryDirectory(prefix="netspec-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        subject.write(measured, folder)
        sides: list[_Side] = []
        for form in forms:
            progress.shows(f"{form.title}: loading")
            sides.append(_Side(form, folder, stack))
            sides[-1].make(device, measured.network.passes)
            progress.advances()
        rows: list[Row] = []
        for size in sorted(sizes):
            rows += _of_size(sides, size, seconds, progress)
        return rows


def _of_size(sides: Sequence[_Side], size: int, seconds: float, progress: Progress) -> list[Row]:
    turns = [_Turns(side, size) for side in sides]
    for turn in turns:
        progress.shows(f"{turn.side.form.title}: warming up for batches of {size}")
        turn.warm()
        progress.advances()
    for number in range(ROUNDS):
        # Every other round goes backwards, so that no form always comes after the same one.
        for turn in turns[:: -1 if number % 2 else 1]:
            if turn.fault is None and turn.spent < seconds:
                progress.shows(f"{turn.side.form.title}: batches of {size}")
                turn.take(seconds / ROUNDS)
    for _ in turns:
        progress.advances()
    first = next((turn.outputs() for turn in turns if turn.fault is None), ())
    return [turn.row(first) for turn in turns]


class _Side:
    """A form, its process, and the reason why it cannot continue, if there is one."""

    def __init__(self, form: Named, folder: Path, stack: ExitStack) -> None:
        self.form, self.folder, self.device = form, folder, ""
        self.worker = Worker(folder / f"{form.name}.log")
        stack.callback(self.worker.kill)
        self.fault: str | None = None

    def make(self, device: Device, passes: frozenset[str] | None) -> None:
        arguments = {"folder": str(self.folder), "form": self.form.name, "device": device}
        named = None if passes is None else sorted(passes)
        try:
            self.device = self.worker.ask(make={**arguments, "passes": named})["device"]
        except FormError as error:
            self.fault = str(error)


@dataclass
class _Turns:
    """The turns of a form at a batch size."""

    side: _Side
    size: int
    fault: str | None = None
    seconds: list[float] = field(default_factory=list[float])
    peak: int | None = None

    @property
    def spent(self) -> float:
        return sum(self.seconds)

    def warm(self) -> None:
        self.fault = self.side.fault
        if self.fault is None:
            self._try(warm=self.size)

    def take(self, seconds: float) -> None:
        if answer := self._try(turn=seconds):
            self.seconds += answer["seconds"]
            self.peak = answer["peak"]

    def _try(self, **request: float) -> dict[str, Any]:
        try:
            return self.side.worker.ask(**request)
        except FormError as error:
            self.fault = str(error)
            return {}

    def outputs(self) -> tuple[Array, ...]:
        """The outputs of the form for the batch."""
        with np.load(
            self.side.folder / subject.outputs_file(self.side.form.name, self.size)
        ) as file:
            return tuple(file[name] for name in file.files)

    def row(self, first: tuple[Array, ...]) -> Row:
        about = self.side.form, self.side.device, self.size
        if self.fault is not None:
            return Row(*about, self.fault)
        pairs = zip(self.outputs(), first, strict=True)
        difference = max(float(np.abs(outputs - other).max()) for outputs, other in pairs)
        return Row(*about, Figures(self.size, tuple(self.seconds), self.peak, difference))
