"""What commands print: results to stdout, errors and notes to stderr."""

from __future__ import annotations

import json
import sys
from io import TextIOWrapper
from typing import TYPE_CHECKING, Any, TextIO

from netspec.text.diagnostics import NetspecError, one_of, visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


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
