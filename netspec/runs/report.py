"""The predictions of all outputs of a network: as columns, as lines, and as JSON data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from netspec.numerics.weights import Array
from netspec.runs.answers import Answers, Summary
from netspec.runs.meaning import Meaning
from netspec.text.diagnostics import RunError, one_of

STEP = "step"


class Report:
    """What is shown of every output.

    `target` is the name of what the only output predicts, where it is known. With `top`, of classes
    the most probable ones are shown.
    """

    def __init__(
        self, meanings: Sequence[Meaning], target: str | None = None, top: int | None = None
    ) -> None:
        self.meanings = tuple(meanings)
        prefixes = [meaning.output if len(meanings) > 1 else "" for meaning in meanings]
        self._parts = [
            Summary(meaning, prefix)
            if meaning.has_pixels
            else Answers(meaning, target, prefix, top)
            for meaning, prefix in zip(meanings, prefixes, strict=True)
        ]

    @property
    def is_line(self) -> bool:
        """Whether an example is one text."""
        return len(self.meanings) == 1 and not self.meanings[0].has_steps

    @property
    def steps(self) -> int | None:
        """How many steps an example has, each of which is a row; None where it is one row.

        Raises RunError where outputs have different numbers of steps, which fit no columns.
        """
        by_output = {some.output: some.axes[0] for some in self.meanings if some.has_steps}
        if len({*by_output.values()}) > 1:
            steps = one_of([f"{name} {count:,}" for name, count in by_output.items()], "and")
            message = f"the outputs have different numbers of steps ({steps}), which fit no columns"
            raise RunError(message, "use --json, or --output FILE.npz")
        return next(iter(by_output.values()), None)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the columns."""
        steps = (STEP,) if self.steps else ()
        return (*steps, *(name for part in self._parts for name in part.names))

    def texts(self, outputs: Sequence[Array], digits: int | None = None) -> list[list[list[str]]]:
        """The texts of the columns, for every example one row or a row for each step.

        An output without steps is in every row of an example. Numbers are as in `Answers.texts`.
        """
        count, steps = len(outputs[0]), self.steps
        columns = [
            _by_example(part, output, digits)
            for part, output in zip(self._parts, outputs, strict=True)
        ]
        if steps is None and len(columns) == 1:
            return columns[0]
        return [
            [
                [
                    *([str(step + 1)] if steps else []),
                    *(
                        text
                        for column in columns
                        for text in column[example][min(step, len(column[example]) - 1)]
                    ),
                ]
                for step in range(steps or 1)
            ]
            for example in range(count)
        ]

    def line(self, outputs: Sequence[Array]) -> str:
        """The only output of an example as a text."""
        return self._parts[0].line(outputs[0])

    def lines(self, outputs: Sequence[Array]) -> list[tuple[str, str]]:
        """The name and the text of every output of an example; of steps, a text for each."""
        lines: list[tuple[str, str]] = []
        for meaning, part, output in zip(self.meanings, self._parts, outputs, strict=True):
            rows = output if meaning.has_steps else [output]
            texts = [part.line(row) for row in rows]
            names = [f"{meaning.output} {step}" for step in range(1, len(texts) + 1)]
            lines += zip(names if meaning.has_steps else [meaning.output], texts, strict=True)
        return lines

    def to_json(self, outputs: Sequence[Array]) -> dict[str, Any]:
        """The outputs of an example as JSON data."""
        data = {
            meaning.output: _to_json(meaning, part, output)
            for meaning, part, output in zip(self.meanings, self._parts, outputs, strict=True)
        }
        return data[self.meanings[0].output] if len(data) == 1 else {"outputs": data}


def _by_example(
    part: Answers | Summary, output: Array, digits: int | None
) -> list[list[list[str]]]:
    """The texts of an output for every example: of one row, or of a row for each step."""
    if isinstance(part, Summary) or part.meaning.is_vector:
        return [[row] for row in part.texts(output, digits)]
    steps = output.shape[1]
    rows = part.texts(output.reshape(-1, output.shape[-1]), digits)
    return [rows[start : start + steps] for start in range(0, len(rows), steps)]


def _to_json(meaning: Meaning, part: Answers | Summary, output: Array) -> dict[str, Any]:
    if not meaning.has_steps:
        return part.to_json(output)
    steps = [part.to_json(row) for row in output]
    return {"kind": meaning.kind, "steps": [{**step, "step": n} for n, step in enumerate(steps, 1)]}


def check_top(meanings: Sequence[Meaning], top: int | None) -> None:
    """Raise RunError where the most probable classes are requested, and no output has classes."""
    if top is None or any(some.kind == "classes" and not some.has_pixels for some in meanings):
        return
    predicted = one_of(sorted({some.kind for some in meanings}), "and")
    what = "the classes of pixels" if predicted == "classes" else predicted
    raise RunError(f"the network predicts {what}, and --top is for classes", "leave --top out")
