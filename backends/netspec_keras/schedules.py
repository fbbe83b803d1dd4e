"""The learning rates of generated Keras modules: a schedule, or a callback for a plateau."""

from __future__ import annotations

from functools import singledispatch

from netspec.backend.emit.code import Code, arguments, call, length
from netspec.language.spec import Train
from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    OneCycle,
    PiecewiseConstantDecay,
    ReduceOnPlateau,
    Schedule,
)


def parts(train: Train) -> tuple[str, ...]:
    """build_schedule or build_callbacks, where the learning rate is not a number."""
    rate = train.optimizer.learning_rate
    if isinstance(rate, ReduceOnPlateau):
        return (_callbacks(rate),)
    if not isinstance(rate, Schedule):
        return ()
    own = (_one_cycle(rate),) if isinstance(rate, OneCycle) else ()
    made = "OneCycle" if own else f"keras.optimizers.schedules.{type(rate).__name__}"
    taken = "steps_per_epoch: int" if rate.counts_epochs else ""
    return (
        *own,
        "\n".join(
            [
                f"def build_schedule({taken}) -> keras.optimizers.schedules.LearningRateSchedule:",
                '    """The learning rate of every step, for build_optimizer."""',
                call(f"    return {made}", arguments([], schedule_arguments(rate, train.epochs))),
            ]
        ),
    )


@singledispatch
def schedule_arguments(schedule: Schedule, epochs: int) -> dict[str, object]:
    """The arguments of Keras's schedule of the same name."""
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    return named | {"decay_steps": Code(length(named.get("decay_steps"), schedule, epochs))}


@schedule_arguments.register
def _(schedule: CosineDecay, epochs: int) -> dict[str, object]:
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    decay_steps = length(schedule.decay_steps, schedule, epochs)
    if schedule.warmup_steps:
        warmup_steps = length(schedule.warmup_steps, schedule, epochs)
        named["warmup_steps"] = Code(warmup_steps)
        if schedule.decay_steps is None:
            decay_steps = f"max({decay_steps} - {warmup_steps}, 1)"
    return named | {"decay_steps": Code(decay_steps)}


@schedule_arguments.register
def _(schedule: CosineDecayRestarts, epochs: int) -> dict[str, object]:
    named = schedule.model_dump(exclude_defaults=True, exclude={"unit"})
    return named | {"first_decay_steps": Code(length(schedule.first_decay_steps, schedule, epochs))}


@schedule_arguments.register
def _(schedule: PiecewiseConstantDecay, epochs: int) -> dict[str, object]:
    ends = [length(boundary, schedule, epochs) for boundary in schedule.boundaries]
    values = [repr(value) for value in schedule.values]
    return {
        "boundaries": Code(f"[{', '.join(ends)}]"),
        "values": Code(f"[{', '.join(values)}]"),
    }


@schedule_arguments.register
def _(schedule: OneCycle, epochs: int) -> dict[str, object]:
    return {"total_steps": Code(length(schedule.total_steps, schedule, epochs))}


def _one_cycle(schedule: OneCycle) -> str:
    """A class for what Keras lacks."""
    doc = "Up to the largest rate and down far below the first (Smith and Topin, 2018)."
    cosine = "(1 - keras.ops.cos(math.pi * p)) / 2"
    annealed = cosine if schedule.anneal_strategy == "cos" else "p"
    return "\n".join(
        [
            "class OneCycle(keras.optimizers.schedules.LearningRateSchedule):",
            f'    """{doc}"""',
            "",
            "    def __init__(self, total_steps: int) -> None:",
            "        super().__init__()",
            "        # The last step of every phase, and how far the rate moves within it.",
            "        self.phases = [",
            *(
                f"            ({_end(share)} - {-less}, {last - first!r}),"
                for first, last, share, less in schedule.phases()
            ),
            "        ]",
            "",
            "    def __call__(self, step):",
            f'        step, begin, rate = keras.ops.cast(step, "float32"), 0, {schedule.first!r}',
            "        for end, change in self.phases:",
            "            p = keras.ops.clip((step - begin) / (end - begin), 0, 1)",
            f"            begin, rate = end, rate + change * {annealed}",
            "        return rate",
        ]
    )


def _end(share: float) -> str:
    return "total_steps" if share == 1 else f"{share} * total_steps"


def _callbacks(plateau: ReduceOnPlateau) -> str:
    mode = "min" if plateau.smaller_is_better else "max"
    named = plateau.model_dump(exclude={"initial_learning_rate"}) | {"mode": mode}
    made = arguments([], named)
    return "\n".join(
        [
            "def build_callbacks() -> list[keras.callbacks.Callback]:",
            '    """For `fit`: it lowers the learning rate."""',
            call("    plateau = keras.callbacks.ReduceLROnPlateau", made),
            "    return [plateau]",
        ]
    )
