"""The learning rate of every step: a number, or one of the schedules under Keras's names.

Here they are only described; `netspec.numerics.rates` computes them. The formulas come from
keras/src/optimizers/schedules/learning_rate_schedule.py (3.15); `one_cycle` is
torch/optim/lr_scheduler.py's OneCycleLR (2.13), and `reduce_on_plateau`
keras/src/callbacks/reduce_lr_on_plateau.py.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import BeforeValidator, Field, model_validator

from netspec.language.layers.base import NAME_FORM
from netspec.language.layers.initializers import NotNegative, Positive
from netspec.language.layers.tagged import OneKey, Tagged, as_tuple, fault
from netspec.language.remedies import Remedy
from netspec.text.source import resolve

Count: TypeAlias = Annotated[int, Field(gt=0, le=10**9)]
Fraction: TypeAlias = Annotated[float, Field(ge=0, le=1)]
ResultName: TypeAlias = Annotated[
    str,
    Field(pattern=r"^[A-Za-z][A-Za-z0-9_/]*$"),
    *NAME_FORM,
]
"""The name of a result in `metrics.jsonl`."""


class Schedule(Tagged):
    """A learning rate that depends on the step, which counts from 0."""

    unit: Annotated[
        Literal["steps", "epochs"], Field(description="What the schedule's lengths are counted in.")
    ] = "steps"

    @property
    def first(self) -> float:
        """The learning rate to begin with, as far as the fields determine it."""
        raise NotImplementedError

    @property
    def whole(self) -> bool:
        """Whether the schedule is as long as the training."""
        return False

    @property
    def counts_epochs(self) -> bool:
        """Whether the schedule's lengths depend on how many steps an epoch has."""
        return self.whole or self.unit == "epochs"


class Decay(Schedule):
    """What the schedules share that fall from a first rate within some steps."""

    initial_learning_rate: Annotated[Positive, Field(description="The rate to begin with.")]
    decay_steps: Annotated[
        Count | None,
        Field(description="How long the decay takes; null is the whole training."),
    ] = None

    @property
    def first(self) -> float:
        return self.initial_learning_rate

    @property
    def whole(self) -> bool:
        return self.decay_steps is None


class ExponentialDecay(Decay):
    """initial_learning_rate decay_rate^(step / decay_steps).

    With `staircase` the exponent is rounded down.
    """

    tag = "exponential_decay"

    decay_rate: Annotated[Positive, Field(description="The factor of decay_steps steps.")]
    staircase: bool = False


class InverseTimeDecay(Decay):
    """initial_learning_rate / (1 + decay_rate step / decay_steps).

    With `staircase` the quotient of the steps is rounded down.
    """

    tag = "inverse_time_decay"

    decay_rate: Annotated[Positive, Field(description="How much the divisor grows.")]
    staircase: bool = False


class PolynomialDecay(Decay):
    """(initial_learning_rate - end_learning_rate) (1 - p)^power + end_learning_rate.

    p is step / decay_steps, and 1 after them; with `cycle`, decay_steps grows to its next multiple
    instead.
    """

    tag = "polynomial_decay"

    end_learning_rate: Annotated[NotNegative, Field(description="The rate to end with.")] = 1e-4
    power: Annotated[Positive, Field(description="1 falls in a straight line.")] = 1.0
    cycle: bool = False


class CosineDecay(Decay):
    """Half a wave of the cosine, down to `alpha` of the rate (Loshchilov and Hutter, 2017).

    With `warmup_target`, the rate first rises to it in a straight line within `warmup_steps`, and
    falls from there.
    """

    tag = "cosine_decay"

    initial_learning_rate: Annotated[NotNegative, Field(description="The rate to begin with.")]
    alpha: Annotated[Fraction, Field(description="The part of the rate to end with.")] = 0.0
    warmup_target: Annotated[
        Positive | None, Field(description="The rate at the end of the warm-up.")
    ] = None
    warmup_steps: Annotated[int, Field(ge=0, le=10**9, description="The warm-up's length.")] = 0

    @model_validator(mode="after")
    def _warms_up_to_something(self) -> Self:
        if self.warmup_steps and self.warmup_target is None:
            message = "a warm-up needs a rate to rise to"
            raise fault("warmup_steps", message, "add `warmup_target: …`")
        return self


class CosineDecayRestarts(Schedule):
    """Waves of the cosine, one after the other (SGDR; Loshchilov and Hutter, 2017).

    Every wave is `t_mul` as long as the one before it, and begins with `m_mul` of its rate.
    """

    tag = "cosine_decay_restarts"

    initial_learning_rate: Annotated[Positive, Field(description="The rate to begin with.")]
    first_decay_steps: Annotated[Count, Field(description="The first wave's length.")]
    t_mul: Annotated[float, Field(ge=1, le=1e6, description="A wave's length to the last.")] = 2.0
    m_mul: Annotated[Positive, Field(description="A wave's first rate to the last.")] = 1.0
    alpha: Annotated[Fraction, Field(description="The part of the rate to end with.")] = 0.0

    @property
    def first(self) -> float:
        return self.initial_learning_rate


class PiecewiseConstantDecay(Schedule):
    """One rate after the other: the first up to and with the first boundary, and so on."""

    tag = "piecewise_constant_decay"

    boundaries: Annotated[
        tuple[Annotated[int, Field(ge=0, le=10**9)], ...],
        BeforeValidator(as_tuple),
        Field(min_length=1, description="The last step of every rate but the last."),
    ]
    values: Annotated[
        tuple[NotNegative, ...],
        BeforeValidator(as_tuple),
        Field(min_length=2, description="The rates, one more than boundaries."),
    ]

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if any(after <= before for before, after in pairwise(self.boundaries)):
            message = "boundaries must increase from one to the next"
            raise fault("boundaries", message, "write them in their order, each of them once")
        required_count, value_count = len(self.boundaries) + 1, len(self.values)
        if value_count != required_count:
            message = (
                f"{required_count - 1} boundaries need {required_count} values, not {value_count}"
            )
            help = "write one value before the first boundary, and one after each"
            raise fault("values", message.replace("1 boundaries need", "1 boundary needs"), help)
        return self

    @property
    def first(self) -> float:
        return self.values[0]


class OneCycle(Schedule):
    """Up to the largest rate and down far below the first (Smith and Topin, 2018).

    The rate begins with max_learning_rate / div_factor, rises for `pct_start` of the steps, and
    falls to the first rate / final_div_factor; with `three_phase` it falls to the first rate
    within as many steps as it rose, and then on. This is PyTorch's OneCycleLR; the momentum stays.
    """

    tag = "one_cycle"

    max_learning_rate: Annotated[Positive, Field(description="The largest rate.")]
    total_steps: Annotated[
        Count | None, Field(description="How long the cycle takes; null is the whole training.")
    ] = None
    pct_start: Annotated[Fraction, Field(description="The part of it that rises.")] = 0.3
    anneal_strategy: Annotated[
        Literal["cos", "linear"], Field(description="The way from one rate to the next.")
    ] = "cos"
    div_factor: Annotated[Positive, Field(description="The largest rate to the first.")] = 25.0
    final_div_factor: Annotated[Positive, Field(description="The first rate to the last.")] = 1e4
    three_phase: bool = False

    @property
    def first(self) -> float:
        return self.max_learning_rate / self.div_factor

    @property
    def whole(self) -> bool:
        return self.total_steps is None

    @property
    def last(self) -> float:
        """The rate to end with."""
        return self.first / self.final_div_factor

    def phases(self) -> list[tuple[float, float, float, float]]:
        """The rates that each phase begins and ends with, and its last step: a total + b.

        As (first rate, last rate, a, b), in their order.
        """
        rise, largest = self.pct_start, self.max_learning_rate
        if self.three_phase:
            return [
                (self.first, largest, rise, -1),
                (largest, self.first, 2 * rise, -2),
                (self.first, self.last, 1, -1),
            ]
        return [(self.first, largest, rise, -1), (largest, self.last, 1, -1)]


class ReduceOnPlateau(Tagged):
    """The rate is multiplied by `factor` where a metric has not improved for `patience` epochs.

    This is Keras's ReduceLROnPlateau: an improvement is more than `min_delta`, `cooldown` epochs
    after a reduction do not count, and the rate never falls below `min_lr`.
    """

    tag = "reduce_on_plateau"

    initial_learning_rate: Annotated[Positive, Field(description="The rate to begin with.")]
    monitor: Annotated[ResultName, Field(description="The result in metrics.jsonl to watch.")] = (
        "val_loss"
    )
    factor: Annotated[float, Field(gt=0, lt=1, description="A reduction's factor.")] = 0.1
    patience: Annotated[int, Field(ge=0, le=10**9, description="Epochs to wait.")] = 10
    mode: Annotated[
        Literal["auto", "min", "max"],
        Field(description="Whether less or more is better; auto goes by the metric's name."),
    ] = "auto"
    min_delta: Annotated[NotNegative, Field(description="What counts as an improvement.")] = 1e-4
    cooldown: Annotated[int, Field(ge=0, le=10**9, description="Epochs of rest.")] = 0
    min_lr: Annotated[NotNegative, Field(description="The smallest rate.")] = 0.0

    @property
    def first(self) -> float:
        """The learning rate to begin with."""
        return self.initial_learning_rate

    @property
    def smaller_is_better(self) -> bool:
        """Whether the metric improves as it falls."""
        if self.mode == "auto":
            return self.monitor.endswith(("loss", "error", "mae", "mse", "rmse"))
        return self.mode == "min"


StepSchedule: TypeAlias = (
    ExponentialDecay
    | InverseTimeDecay
    | PolynomialDecay
    | CosineDecay
    | CosineDecayRestarts
    | PiecewiseConstantDecay
    | OneCycle
)
LearningRate: TypeAlias = float | StepSchedule | ReduceOnPlateau


def _as_rate(value: object) -> str | None:
    """How to write a learning rate; a number in quotes is without them."""
    if isinstance(resolve(str(value)), int | float):
        return None
    return "write 1e-3, or a schedule, as in `{cosine_decay: {initial_learning_rate: 1e-3}}`"


LearningRateField: TypeAlias = Annotated[
    LearningRate,
    OneKey("schedule", "`{field}: 1e-3` or `{field}: {NAME: {…}}`", number=Positive),
    Remedy(_as_rate, ("float_type",)),
    Field(description="How far a step goes: a number, or a schedule."),
]


def spans_training(learning_rate: LearningRate) -> bool:
    """Whether the learning rate of a step depends on how many epochs there are."""
    return isinstance(learning_rate, Schedule) and learning_rate.whole
