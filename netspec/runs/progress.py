"""A training in the terminal: one line an epoch, and a live bar."""

from __future__ import annotations

import sys
import warnings
from io import StringIO
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
)
from rich.status import Status

from netspec.data.examples import noun_of
from netspec.runs.folder import Run
from netspec.runs.metrics import NO_FIGURES, Record
from netspec.text.diagnostics import visible


class Terminal:
    """Prints a line an epoch to stdout; where that is a terminal, a bar moves below it."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)
        self._bar: Progress | None = None
        self._waiting: Status | None = None
        self._epochs = 0
        self.run: Run | None = None

    def warns(self, text: str) -> None:
        sys.stderr.write(f"warning: {visible(text)}\n")

    def prepares(self, backend: str) -> None:
        if self.console.is_terminal:
            self._waiting = self.console.status(f"Loading {backend} and the data")
            self._waiting.start()

    def begins(self, run: Run, device: str, epoch: int, epochs: int) -> None:
        self.close()
        self.run = run
        self._epochs = epochs
        verb = f"Resuming after epoch {epoch}" if epoch else "Training"
        self.console.print(f"{verb} with {run.backend} on {device}, into {run.path}", markup=False)

    def epoch_begins(self, epoch: int, examples: int) -> None:
        if not self.console.is_terminal:
            return
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            TextColumn("{task.fields[figures]}"),
            console=self.console,
            transient=True,
        )
        self._bar.add_task(self._title(epoch), total=examples, figures="")
        self._bar.start()

    def advances(self, count: int, so_far: Record) -> None:
        if self._bar:
            self._bar.update(self._bar.task_ids[0], completed=count, figures=_figures(so_far))

    def epoch_ends(self, record: Record) -> None:
        self.close()
        noun = noun_of(self.run.network.graph) if self.run else "examples"
        speed = "{seconds:6.1f} s {images_per_second:9,.0f} ".format_map(record) + f"{noun}/s"
        line = "  ".join([self._title(_epoch(record)), _figures(record), speed])
        self.console.print(line, markup=False)
        sys.stdout.flush()

    def remarks(self, text: str) -> None:
        self.console.print(text, markup=False)

    def tested(self, record: Record) -> None:
        self.console.print(f"Test  {_figures(record)}", markup=False)

    def close(self) -> None:
        """Take away what moves."""
        if self._waiting:
            self._waiting.stop()
            self._waiting = None
        if self._bar:
            self._bar.stop()
            self._bar = None

    def _title(self, epoch: int) -> str:
        return f"Epoch {epoch:>{len(str(self._epochs))}}/{self._epochs}"


class InProgram(Terminal):
    """The same in a Python program, or nothing; what is suspicious is a Python warning."""

    def __init__(self, *, shown: bool) -> None:
        super().__init__(None if shown else Console(file=StringIO(), quiet=True))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def warns(self, text: str) -> None:
        warnings.warn(text, UserWarning, stacklevel=6)  # the line that calls netspec.train


def _epoch(record: Record) -> int:
    epoch = record["epoch"]
    assert isinstance(epoch, int)
    return epoch


def _figures(record: Record) -> str:
    """The losses and metrics of a record, aligned from line to line."""
    return "  ".join(
        f"{name.removeprefix('test_')} {value:.4f}"
        for name, value in record.items()
        if name not in NO_FIGURES and not isinstance(value, list)
    )
