"""The learning rates of generated Keras modules: a schedule, or a callback for a plateau."""

from __future__ import annotations

from functools import singledispatch

from netspec.backend.emit.code import Code, arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import block, class_, function
from netspec.backend.emit.schedules import write_phases, write_steps
from netspec.language.spec import Train
from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    OneCycle,
    PiecewiseConstantDecay,
    ReduceOnPlateau,
    Schedule,
)


def schedule_parts(train: Train) -> list[Document]:
    """build_schedule or build_callbacks, where the learning rate is not a number."""
    rate = train.optimizer.learning_rate
    if isinstance(rate, ReduceOnPlateau):
        return [_callbacks(rate)]
    if not isinstance(rate, Schedule):
        return []
    one_cycle = [_one_cycle(rate)] if isinstance(rate, OneCycle) else []
    name = "OneCycle" if one_cycle else f"keras.optimizers.schedules.{type(rate).__name__}"
    build_schedule = function(
        "build_schedule",
        ["steps_per_epoch: int"] if rate.counts_epochs else [],
        "keras.optimizers.schedules.LearningRateSchedule",
        [call(f"return {name}", arguments([], schedule_arguments(rate, train.epochs)))],
        doc=["The learning rate of every step, for build_optimizer."],
    )
    return [*one_cycle, build_schedule]


@singledispatch
def schedule_arguments(schedule: Schedule, epochs: int) -> dict[str, object]:
    """The arguments of Keras's schedule of the same name."""
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    return named | {"decay_steps": Code(write_steps(named.get("decay_steps"), schedule, epochs))}


@schedule_arguments.register
def _(schedule: CosineDecay, epochs: int) -> dict[str, object]:
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    decay_steps = write_steps(schedule.decay_steps, schedule, epochs)
    if schedule.warmup_steps:
        warmup_steps = write_steps(schedule.warmup_steps, schedule, epochs)
        named["warmup_steps"] = Code(warmup_steps)
        if schedule.decay_steps is None:
            decay_steps = f"max({decay_steps} - {warmup_steps}, 1)"
    return named | {"decay_steps": Code(decay_steps)}


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
def _(schedule: OneCycle, epochs: int) -> dict[str, object]:
    return {"total_steps": Code(write_steps(schedule.total_steps, schedule, epochs))}


def _one_cycle(schedule: OneCycle) -> Document:
    """A class for what Keras lacks."""
    cosine = "(1 - keras.ops.cos(math.pi * p)) / 2"
    annealed = cosine if schedule.anneal_strategy == "cos" else "p"
    constructor = ["super().__init__()", write_phases("self.phases", schedule)]
    phases = [
        "p = keras.ops.clip((step - begin) / (end - begin), 0, 1)",
        f"begin, rate = end, rate + change * {annealed}",
    ]
    rate = [
        f'step, begin, rate = keras.ops.cast(step, "float32"), 0, {schedule.first!r}',
        block("for end, change in self.phases:", phases),
        "return rate",
    ]
    return class_(
        "OneCycle",
        "keras.optimizers.schedules.LearningRateSchedule",
        "Up to the largest rate and down far below the first (Smith and Topin, 2018).",
        [
            function("__init__", ["self", "total_steps: int"], "None", constructor),
            function("__call__", ["self", "step"], "", rate),
        ],
    )


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
