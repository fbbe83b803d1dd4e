"""What is being measured, shown in the terminal while it is."""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn


class Terminal:
    """A bar on stderr, where that is a terminal; it goes away at the end."""

    def __init__(self, steps: int, console: Console | None = None) -> None:
        console = console or Console(stderr=True)
        columns = BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        self._bar = Progress(
            *columns,
            TextColumn("{task.description}", markup=False),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("", total=steps)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._bar.stop()

    def shows(self, doing: str) -> None:
        self._bar.update(self._task, description=doing)

    def advances(self) -> None:
        self._bar.advance(self._task)
