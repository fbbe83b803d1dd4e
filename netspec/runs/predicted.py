"""Predictions for many examples, a part of them at a time; what all kinds of inputs share."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from netspec.numerics.weights import Array
from netspec.runs.meaning import Meaning
from netspec.runs.opened import OpenedModel
from netspec.text.diagnostics import NetspecError, RunError


@dataclass(frozen=True)
class Rows:
    """Some examples, the first of which has the number `start`, from 0.

    `outputs` are every output (n, …, names), as `Meaning.read` returns it. `texts` are the columns
    before the predictions, for every example, where they were requested. `notes` are sentences.
    """

    start: int
    outputs: tuple[Array, ...]
    texts: list[list[str]] = field(default_factory=list[list[str]])
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.outputs[0])


class Predictions(Protocol):
    """The predictions for the examples in files, in the order of the examples."""

    @property
    def opened(self) -> OpenedModel:
        """The model that predicts."""
        ...

    @property
    def names(self) -> tuple[str, ...]:
        """The columns before the predictions, which name an example."""
        ...

    @property
    def meanings(self) -> tuple[Meaning, ...]:
        """What every output means."""
        ...

    @property
    def target(self) -> str | None:
        """The name of what the only output predicts, where it is known."""
        ...

    @property
    def unit(self) -> str:
        """What the examples are called, in the plural."""
        ...

    @property
    def name_width(self) -> int | None:
        """The length of the longest name, where each example is printed; None for a table."""
        ...

    @property
    def saved_names(self) -> tuple[str, ...]:
        """The first of the `names`, which are written into a file of arrays too."""
        ...

    @property
    def count(self) -> int | None:
        """How many examples there are, where that is known before."""
        ...

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """The predictions, with the columns before them on request. Raises NetspecError."""
        ...

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """What names an example of some rows, as JSON data."""
        ...

    @property
    def remarks(self) -> tuple[str, ...]:
        """What a user would not expect of the model and the examples that were predicted."""
        ...


def read_outputs(opened: OpenedModel, outputs: tuple[Array, ...]) -> tuple[Array, ...]:
    """Every output as `Meaning.read` returns it."""
    pairs = zip(opened.meanings, outputs, strict=True)
    return tuple(meaning.read(output) for meaning, output in pairs)


def first_not_finite(outputs: tuple[Array, ...]) -> int | None:
    """The first example with an output that is not finite."""
    finite = [np.isfinite(output).reshape(len(output), -1).all(-1) for output in outputs]
    wrong = np.flatnonzero(~np.logical_and.reduce(finite))
    return int(wrong[0]) if wrong.size else None


def not_finite(opened: OpenedModel, place: str, help: str) -> RunError:
    """The error for an example, named by its place, whose prediction is not finite."""
    return RunError(f"{opened.path} predicts values for {place} that are not finite", help)


def only_file(paths: Sequence[Path]) -> Path:
    """The only one of the paths. Raises NetspecError where there are several."""
    if len(paths) > 1:
        message = f"{len(paths)} files were named, and one is predicted at a time"
        raise NetspecError(message, "call predict for each of them")
    return paths[0]
