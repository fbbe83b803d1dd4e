"""The learning rates of generated Keras modules: a schedule, or a callback for a plateau."""

from __future__ import annotations

from functools import singledispatch

from netspec.backend.emit.code import Code, arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import function, lines_of
from netspec.backend.emit.schedules import write_decay, write_phases, write_steps
from netspec.language.spec import Train
from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    OneCycle,
    PiecewiseConstantDecay,
    ReduceOnPlateau,
    Schedule,
)
from netspec_keras.prelude import PARTS


def schedule_parts(train: Train) -> list[Document]:
    """build_schedule or build_callbacks, where the learning rate is not a number."""
    rate = train.optimizer.learning_rate
    if isinstance(rate, ReduceOnPlateau):
        return [_callbacks(rate)]
    if not isinstance(rate, Schedule):
        return []
    classes = PARTS.with_needed([type(rate).__name__] if isinstance(rate, OneCycle) else [])
    name = type(rate).__name__ if classes else f"keras.optimizers.schedules.{type(rate).__name__}"
    phases = write_phases(rate, train.epochs) if isinstance(rate, OneCycle) else []
    returned = call(f"return {name}", arguments([], schedule_arguments(rate, train.epochs)))
    build_schedule = function(
        "build_schedule",
        ["steps_per_epoch: int"] if rate.counts_epochs else [],
        "keras.optimizers.schedules.LearningRateSchedule",
        [*phases, returned],
        doc=["The learning rate of every step, for build_optimizer."],
    )
    return [*map(lines_of, classes.values()), build_schedule]


@singledispatch
def schedule_arguments(schedule: Schedule, epochs: int) -> dict[str, object]:
    """The arguments of Keras's schedule of the same name."""
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    return named | {"decay_steps": Code(write_steps(named.get("decay_steps"), schedule, epochs))}


@schedule_arguments.register
def _(schedule: CosineDecay, epochs: int) -> dict[str, object]:
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    warmup = ""
    if schedule.warmup_steps:
        warmup = write_steps(schedule.warmup_steps, schedule, epochs)
        named["warmup_steps"] = Code(warmup)
    return named | {"decay_steps": Code(write_decay(schedule, epochs, warmup))}


@schedule_arguments.register
def _(schedule: CosineDecayRestarts, epochs: int) -> dict[str, object]:
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    return named | {
        "first_decay_steps": Code(write_steps(schedule.first_decay_steps, schedule, epochs))
    }


@schedule_arguments.register
def _(schedule: PiecewiseConstantDecay, epochs: int) -> dict[str, object]:
    ends = [write_steps(boundary, schedule, epochs) for boundary in schedule.boundaries]
    values = [repr(value) for value in schedule.values]
    return {
        "boundaries": Code(f"[{', '.join(ends)}]"),
        "values": Code(f"[{', '.join(values)}]"),
    }


@schedule_arguments.register
def _(schedule: OneCycle, _epochs: int) -> dict[str, object]:
    cosine = schedule.anneal_strategy == "cos"
    return {"first": schedule.first, "phases": Code("phases"), "cosine": cosine}


def _callbacks(plateau: ReduceOnPlateau) -> Document:
    mode = "min" if plateau.smaller_is_better else "max"
    named = plateau.model_dump(exclude={"initial_learning_rate"}) | {"mode": mode}
    return function(
        "build_callbacks",
        [],
        "list[keras.callbacks.Callback]",
        [
            call("plateau = keras.callbacks.ReduceLROnPlateau", arguments([], named)),
            "return [plateau]",
        ],
        doc=["For `fit`: it lowers the learning rate."],
    )
