"""The learning rates of generated PyTorch modules: one function, or a scheduler for a plateau."""

from __future__ import annotations

from functools import singledispatch

from netspec.backend.emit.code import arguments, call
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import block, function
from netspec.backend.emit.schedules import write_phases, write_steps
from netspec.language.spec import Train
from netspec.language.training.schedules import (
    CosineDecay,
    CosineDecayRestarts,
    ExponentialDecay,
    InverseTimeDecay,
    OneCycle,
    PiecewiseConstantDecay,
    PolynomialDecay,
    ReduceOnPlateau,
    Schedule,
)

_WAVE = "wave = (1 + math.cos(math.pi * p)) / 2"


def _falling(rate: str, alpha: float, wave: str) -> str:
    """Half a wave of the cosine down to a part of the rate."""
    return (
        f"return {rate} * ((1 - {alpha}) * {wave} + {alpha})"
        if alpha
        else f"return {rate} * {wave}"
    )


def schedule_parts(train: Train) -> list[Document]:
    """The function learning_rate or build_scheduler, where the learning rate is not a number."""
    rate = train.optimizer.learning_rate
    if isinstance(rate, ReduceOnPlateau):
        return [_scheduler(rate)]
    if not isinstance(rate, Schedule):
        return []
    parameters = ["step: int", *["steps_per_epoch: int"] * rate.counts_epochs]
    doc = ["The learning rate of a step; the first step is 0."]
    return [function("learning_rate", parameters, "float", lines(rate, train.epochs), doc=doc)]


@singledispatch
def lines(schedule: Schedule, epochs: int) -> list[Document]:
    """Statements that return the learning rate of `step`, with Keras's formula."""
    raise NotImplementedError(schedule.tag)


@lines.register
def _(schedule: ExponentialDecay, epochs: int) -> list[Document]:
    divided = "//" if schedule.staircase else "/"
    return [
        f"decay_steps = {write_steps(schedule.decay_steps, schedule, epochs)}",
        f"return {schedule.initial_learning_rate} * {schedule.decay_rate} ** "
        f"(step {divided} decay_steps)",
    ]


@lines.register
def _(schedule: InverseTimeDecay, epochs: int) -> list[Document]:
    divided = "//" if schedule.staircase else "/"
    return [
        f"decay_steps = {write_steps(schedule.decay_steps, schedule, epochs)}",
        f"return {schedule.initial_learning_rate} / "
        f"(1 + {schedule.decay_rate} * (step {divided} decay_steps))",
    ]


@lines.register
def _(schedule: PolynomialDecay, epochs: int) -> list[Document]:
    p = "min(step / decay_steps, 1)"
    if schedule.cycle:
        p = "step / (decay_steps * max(math.ceil(step / decay_steps), 1))"
    first, last = schedule.initial_learning_rate, schedule.end_learning_rate
    return [
        f"first, last, power = {first}, {last}, {schedule.power}",
        f"decay_steps = {write_steps(schedule.decay_steps, schedule, epochs)}",
        f"p = {p}",
        "return (first - last) * (1 - p) ** power + last",
    ]


@lines.register
def _(schedule: CosineDecay, epochs: int) -> list[Document]:
    decay_steps = write_steps(schedule.decay_steps, schedule, epochs)
    first, alpha = schedule.initial_learning_rate, schedule.alpha
    target = schedule.warmup_target
    if target is None:
        return [
            f"decay_steps = {decay_steps}",
            "p = min(step / decay_steps, 1)",
            _WAVE,
            _falling(str(first), alpha, "wave"),
        ]
    if schedule.decay_steps is None:
        decay_steps = f"max({decay_steps} - warmup_steps, 1)"
    return [
        f"first, target = {first}, {target}",
        f"warmup_steps = {write_steps(schedule.warmup_steps, schedule, epochs)}",
        f"decay_steps = {decay_steps}",
        block(
            "if step < warmup_steps:",
            ["return first + (target - first) * step / warmup_steps"],
        ),
        "p = min((step - warmup_steps) / decay_steps, 1)",
        _WAVE,
        _falling("target", alpha, "wave"),
    ]


@lines.register
def _(schedule: CosineDecayRestarts, epochs: int) -> list[Document]:
    first, alpha = schedule.initial_learning_rate, schedule.alpha
    return [
        f"length, scale = {write_steps(schedule.first_decay_steps, schedule, epochs)}, 1.0",
        block(
            "while step >= length:",
            [
                "step -= length",
                f"length, scale = {schedule.t_mul} * length, {schedule.m_mul} * scale",
            ],
        ),
        "p = step / length",
        _WAVE,
        _falling(str(first), alpha, "scale * wave"),
    ]


@lines.register
def _(schedule: PiecewiseConstantDecay, epochs: int) -> list[Document]:
    checks = [
        block(f"if step <= {write_steps(boundary, schedule, epochs)}:", [f"return {value}"])
        for boundary, value in zip(schedule.boundaries, schedule.values, strict=False)
    ]
    return [*checks, f"return {schedule.values[-1]}"]


@lines.register
def _(schedule: OneCycle, epochs: int) -> list[Document]:
    annealed = "(1 - math.cos(math.pi * p)) / 2" if schedule.anneal_strategy == "cos" else "p"
    return [
        f"total_steps = {write_steps(schedule.total_steps, schedule, epochs)}",
        f"begin, rate = 0, {schedule.first!r}",
        write_phases("phases", schedule),
        block(
            "for end, change in phases:",
            [
                "p = min(max((step - begin) / (end - begin), 0), 1)",
                f"begin, rate = end, rate + change * {annealed}",
            ],
        ),
        "return rate",
    ]


def _scheduler(plateau: ReduceOnPlateau) -> Document:
    """PyTorch's scheduler with Keras's counts.

    PyTorch waits for one bad epoch more than `patience`, and rests for one epoch more than
    `cooldown`; its minimum change of the rate is 0 in Keras.
    """
    named: dict[str, object] = {
        "mode": "min" if plateau.smaller_is_better else "max",
        "factor": plateau.factor,
        "patience": max(plateau.patience - 1, 0),
        "threshold": plateau.min_delta,
        "threshold_mode": "abs",
        "cooldown": max(plateau.cooldown - 1, 0),
        "min_lr": plateau.min_lr,
        "eps": 0.0,
    }
    kind = "torch.optim.lr_scheduler.ReduceLROnPlateau"
    return function(
        "build_scheduler",
        ["optimizer"],
        kind,
        [call(f"return {kind}", ["optimizer", *arguments([], named)])],
        doc=[f"Call `step({plateau.monitor})` of it after every epoch."],
    )
