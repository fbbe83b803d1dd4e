"""The optimizers, under Keras's names, with its arguments, its defaults and its rules.

Each rule was read in keras/src/optimizers/ (3.15): w is a weight, g its gradient, t the number of
the step, which begins with 1.
"""

from __future__ import annotations

from typing import Annotated, Self, TypeAlias

from pydantic import Field, model_validator

from netspec.language.layers.initializers import NotNegative, Positive
from netspec.language.layers.tagged import Tagged, fault
from netspec.language.training.schedules import LearningRateField

Fraction: TypeAlias = Annotated[float, Field(ge=0, lt=1)]

CLIPS = ("clipnorm", "clipvalue", "global_clipnorm")


class OptimizerBase(Tagged):
    """What every optimizer of Keras can do around its rule.

    The gradients are clipped, every weight shrinks by learning_rate weight_decay w, the rule is
    followed, and the averages of the weights move.
    """

    learning_rate: LearningRateField = 1e-3
    weight_decay: Annotated[
        NotNegative | None,
        Field(description="Every weight shrinks by learning_rate weight_decay w a step."),
    ] = None
    clipnorm: Annotated[
        Positive | None, Field(description="The largest norm of the gradient of one weight.")
    ] = None
    clipvalue: Annotated[
        Positive | None, Field(description="The largest absolute value in a gradient.")
    ] = None
    global_clipnorm: Annotated[
        Positive | None, Field(description="The largest norm of all gradients together.")
    ] = None
    use_ema: Annotated[
        bool,
        Field(description="Whether the weights' moving averages replace them after training."),
    ] = False
    ema_momentum: Annotated[
        float,
        Field(
            ge=0,
            le=1,
            description="The part of an average that a step keeps.",
        ),
    ] = 0.99
    ema_overwrite_frequency: Annotated[
        int | None,
        Field(ge=1, description="Steps after which the averages replace the weights, every time."),
    ] = None

    @model_validator(mode="after")
    def _clips_once(self) -> Self:
        clips = [name for name in CLIPS if getattr(self, name) is not None]
        if len(clips) > 1:
            message = f"gradients are clipped once, and {clips[0]} clips them already"
            raise fault(clips[1], message, f"leave {' or '.join(clips)} out")
        return self


class Adam(OptimizerBase):
    """Adam (Kingma and Ba, 2015), with Keras's epsilon, outside the bias correction.

    w -= learning_rate sqrt(1 - beta_2^t) / (1 - beta_1^t) m / (sqrt(v) + epsilon)
    """

    tag = "adam"

    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-7
    amsgrad: bool = False


class AdamW(Adam):
    """Adam with a weight decay (Loshchilov and Hutter, 2019): Adam's rule, and 0.004 by default."""

    tag = "adamw"

    weight_decay: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride] - it is frozen
        NotNegative,
        Field(description="Every weight shrinks by learning_rate weight_decay w a step."),
    ] = 0.004


class Sgd(OptimizerBase):
    """Gradient descent, with Keras's velocity, which holds the learning rate.

    velocity = momentum velocity - learning_rate g; w += velocity, and with `nesterov`
    w += momentum velocity - learning_rate g
    """

    tag = "sgd"

    learning_rate: LearningRateField = 1e-2
    momentum: Fraction = 0.0
    nesterov: bool = False


class RMSprop(OptimizerBase):
    """RMSprop (Hinton, 2012), with Keras's epsilon, inside the root.

    v = rho v + (1 - rho) g^2; step = learning_rate g / sqrt(v + epsilon), where `centered` takes
    the square of the mean gradient off v; momentum = momentum momentum + step; w -= momentum
    """

    tag = "rmsprop"

    rho: Fraction = 0.9
    momentum: Fraction = 0.0
    epsilon: Positive = 1e-7
    centered: bool = False


class Adagrad(OptimizerBase):
    """Adagrad (Duchi et al., 2011), with Keras's epsilon, inside the root.

    a += g^2, where a begins with `initial_accumulator_value`;
    w -= learning_rate g / sqrt(a + epsilon)
    """

    tag = "adagrad"

    initial_accumulator_value: NotNegative = 0.1
    epsilon: Positive = 1e-7


class Adamax(OptimizerBase):
    """Adamax (Kingma and Ba, 2015): Adam with the largest gradient in place of the root of v.

    u = max(beta_2 u, |g|); w -= learning_rate / (1 - beta_1^t) m / (u + epsilon)
    """

    tag = "adamax"

    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-7


class Nadam(OptimizerBase):
    """Nadam (Dozat, 2016): Adam with Nesterov's momentum, which warms up.

    mu(t) = beta_1 (1 - 0.96^t / 2), P(t) = mu(1) ... mu(t);
    m' = mu(t+1) m / (1 - P(t+1)) + (1 - mu(t)) g / (1 - P(t));
    w -= learning_rate m' / (sqrt(v / (1 - beta_2^t)) + epsilon)
    """

    tag = "nadam"

    beta_1: Fraction = 0.9
    beta_2: Fraction = 0.999
    epsilon: Positive = 1e-7


class Lion(OptimizerBase):
    """Lion (Chen et al., 2023): every value moves by the learning rate, in one direction or other.

    w -= learning_rate sign(beta_1 m + (1 - beta_1) g); m = beta_2 m + (1 - beta_2) g
    """

    tag = "lion"

    beta_1: Annotated[float, Field(gt=0, lt=1)] = 0.9
    beta_2: Fraction = 0.99


Optimizer: TypeAlias = Adam | AdamW | Sgd | RMSprop | Adagrad | Adamax | Nadam | Lion
