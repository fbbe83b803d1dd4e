"""The learning rates of a generated module: what every backend writes of a schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import singledispatch
from pathlib import Path

from netspec.backend.emit.code import call
from netspec.backend.emit.cut import Function
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import block, function
from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    Decay,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    Schedule,
)

_RATES = Path(__file__).with_name("rates.py")


def learning_rate(schedule: Schedule, epochs: int) -> Document:
    """The function learning_rate, which returns the rate of a step with Keras's formula."""
    parameters = ["step: int", *["steps_per_epoch: int"] * schedule.counts_epochs]
    formula = _formula(schedule, epochs)
    lines = [*formula.variables, *Function(_RATES, formula.name).lines(formula.numbers)]
    doc = ["The learning rate of a step; the first step is 0."]
    return function("learning_rate", parameters, "float", lines, doc=doc)


def write_steps(count: int | None, schedule: Schedule, epochs: int) -> str:
    """A number of steps as source; where the schedule counts epochs, of `steps_per_epoch`.

    None is the whole training, as everywhere.
    """
    if count is None:
        return f"{epochs} * steps_per_epoch"
    if schedule.unit == "steps" or count == 0:
        return str(count)
    return "steps_per_epoch" if count == 1 else f"{count} * steps_per_epoch"


def write_decay(schedule: Decay, epochs: int, warmup: str = "") -> str:
    """The length of a decay as source; `warmup` is the source of the length of a warm-up before it.

    A decay that fills the training ends with it.
    """
    length = write_steps(schedule.decay_steps, schedule, epochs)
    return f"max({length} - {warmup}, 1)" if warmup and schedule.decay_steps is None else length


def write_phases(schedule: OneCycle, epochs: int) -> list[Document]:
    """The statements that assign the phases of a schedule to `phases`."""
    rows: list[Document] = []
    for first, last, share, fewer_steps in schedule.phases():
        end = "total_steps" if share == 1 else f"{share} * total_steps"
        rows.append(f"({end} - {-fewer_steps}, {last - first!r}),")
    return [
        f"total_steps = {write_steps(schedule.total_steps, schedule, epochs)}",
        "# The last step of every phase, and how far the rate moves within it.",
        block("phases = [", rows),
        "]",
    ]


@dataclass(frozen=True)
class _Formula:
    """A function of `rates`, the statements that assign its variables, and the numbers in it."""

    name: str
    variables: list[Document]
    numbers: Mapping[str, object]


@singledispatch
def _formula(schedule: Schedule, epochs: int) -> _Formula:
    raise NotImplementedError(schedule.tag)


@_formula.register
def _(schedule: ExponentialDecay | InverseTimeDecay | PolynomialDecay, epochs: int) -> _Formula:
    numbers = schedule.model_dump(exclude={"unit", "decay_steps"})
    decay_steps = f"decay_steps = {write_decay(schedule, epochs)}"
    return _Formula(schedule.tag, [decay_steps], numbers)


@_formula.register
def _(schedule: CosineDecay, epochs: int) -> _Formula:
    numbers = schedule.model_dump(include={"initial_learning_rate", "alpha"})
    if schedule.warmup_target is None:
        decay_steps = f"decay_steps = {write_decay(schedule, epochs)}"
        return _Formula(schedule.tag, [decay_steps], numbers)
    lengths: list[Document] = [
        f"warmup_steps = {write_steps(schedule.warmup_steps, schedule, epochs)}",
        f"decay_steps = {write_decay(schedule, epochs, 'warmup_steps')}",
    ]
    numbers["warmup_target"] = schedule.warmup_target
    return _Formula("warmup_and_cosine_decay", lengths, numbers)


@_formula.register
def _(schedule: CosineDecayRestarts, epochs: int) -> _Formula:
    numbers = schedule.model_dump(exclude={"unit", "first_decay_steps"})
    length = write_steps(schedule.first_decay_steps, schedule, epochs)
    return _Formula(schedule.tag, [f"first_decay_steps = {length}"], numbers)


@_formula.register
def _(schedule: PiecewiseConstantDecay, epochs: int) -> _Formula:
    boundaries = [write_steps(boundary, schedule, epochs) for boundary in schedule.boundaries]
    lists = [
        call("boundaries = ", boundaries, brackets="[]"),
        call("values = ", [*map(repr, schedule.values)], brackets="[]"),
    ]
    return _Formula(schedule.tag, lists, {})


@_formula.register
def _(schedule: OneCycle, epochs: int) -> _Formula:
    numbers = {"first": schedule.first, "cosine": schedule.anneal_strategy == "cos"}
    return _Formula(schedule.tag, write_phases(schedule, epochs), numbers)
