"""The learning rates of a generated module: what every backend writes of a schedule."""

from __future__ import annotations

from netspec.backend.emit.document import NEWLINE, Document
from netspec.backend.emit.module import block
from netspec.language.training.schedules import OneCycle, Schedule


def write_steps(count: int | None, schedule: Schedule, epochs: int) -> str:
    """A number of steps as source; where the schedule counts epochs, of `steps_per_epoch`.

    None is the whole training, as everywhere.
    """
    if count is None:
        return f"{epochs} * steps_per_epoch"
    if schedule.unit == "steps" or count == 0:
        return str(count)
    return "steps_per_epoch" if count == 1 else f"{count} * steps_per_epoch"


def write_phases(target: str, schedule: OneCycle) -> Document:
    """The statement that assigns the phases of a schedule, for `total_steps`."""
    rows: list[Document] = []
    for first, last, share, fewer_steps in schedule.phases():
        end = "total_steps" if share == 1 else f"{share} * total_steps"
        rows.append(f"({end} - {-fewer_steps}, {last - first!r}),")
    comment = "# The last step of every phase, and how far the rate moves within it."
    return (comment, NEWLINE, block(f"{target} = [", rows), NEWLINE, "]")
