"""Work on many files by threads, a block at a time, with a bar that shows the progress."""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

BLOCK = 256
"""The number of files whose results are in memory at once."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_blocks(
    pool: ThreadPoolExecutor,
    work: Callable[[Item], Result],
    items: Sequence[Item],
    advance: Callable[[int], None],
) -> Iterator[Result]:
    """The results of the work in the order of the items; few are in memory at once."""
    for start in range(0, len(items), BLOCK):
        block = items[start : start + BLOCK]
        yield from pool.map(work, block)
        advance(len(block))


@contextmanager
def bar(title: str, total: int) -> Generator[Callable[[int], None]]:
    """A bar on stderr, where that is a terminal; it goes away at the end."""
    if not sys.stderr.isatty():
        yield lambda count: None  # noqa: ARG005 - rich takes a tenth of a second to import
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn(title),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        yield partial(progress.advance, progress.add_task("", total=total))
