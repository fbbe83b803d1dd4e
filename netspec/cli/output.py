"""What commands print: results to stdout, errors and notes to stderr."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Iterable, Iterator, Sized
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from netspec.text.diagnostics import NetspecError, one_of, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import BinaryIO

T = TypeVar("T")


PLOTS = (".png", ".svg", ".pdf")
"""The ends of the names of plots."""


def print_source(text: str) -> None:
    """Print a spec or a module: in UTF-8, as their files are, whatever the terminal's encoding."""
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(text)


def print_json(data: Any) -> None:  # Any: JSON data
    """Print data as JSON."""
    print(json.dumps(data, indent=2))


def stream_beside(output: Path) -> TextIO:
    """Where lines about an output go: to stderr where it may be what stdout leads to."""
    from netspec.text.files import is_stream

    return sys.stderr if is_stream(output) else sys.stdout


def check_plot(path: Path) -> None:
    """Raise NetspecError where no plot can be written, before any long work."""
    from netspec.text.files import check_writable

    if path.suffix.lower() not in PLOTS:
        message = f"--plot {path} has no suffix of a plot"
        raise NetspecError(message, f"end the name in {one_of(PLOTS)}")
    check_writable(path)


def show_remarks(remarks: Sequence[str]) -> None:
    """Show notes, a line for each."""
    for remark in remarks:
        sys.stderr.write(f"note: {visible(remark)}\n")


def show_warnings(warnings: Sequence[str]) -> None:
    """Show warnings, a line for each."""
    for warning in warnings:
        sys.stderr.write(f"warning: {visible(warning)}\n")


def show_error(error: NetspecError) -> None:
    """Show an error with its place and its remedy."""
    sys.stderr.write(f"{error}\n")


def write_csv(path: Path, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a CSV file in UTF-8, complete or not at all; the path - is the standard output.

    Raises NetspecError.
    """
    from netspec.text.files import stream_atomically

    def write(file: BinaryIO) -> None:
        text = TextIOWrapper(file, "utf-8", newline="", write_through=False)
        _write_rows(text, names, rows)
        text.flush()
        text.detach()

    if str(path) == "-":
        _write_rows(sys.stdout, names, rows)
    else:
        stream_atomically(path, write)


def _write_rows(file: TextIO, names: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows(rows)


def counted(elements: Iterable[T], unit: str, total: int | None = None) -> Iterator[T]:
    """The elements; on a terminal, stderr shows how many have been taken.

    An element counts as many of the `unit` as its length, or as one.
    """
    if not sys.stderr.isatty():
        yield from elements
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    columns = (TextColumn(f"Predicting {unit}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=total)
        for element in elements:
            yield element
            progress.advance(task, len(element) if isinstance(element, Sized) else 1)
