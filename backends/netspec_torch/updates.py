"""The statements of generated optimizers: Keras's rules on lists of tensors, as functions.

`netspec_torch.rules` cuts the bodies out of this file. `self` is the generated optimizer. The lists
after `gradients` are its slots. The parameters after `*` are the numbers of a step, which may be
tensors of one value. Functions whose names end in `_numbers` return these numbers. They take the
learning rate `lr` and the number `t` of the step, which begins with 1.

A parameter with a default is decided when a body is cut: an `if` about it becomes one branch.
"""

# PyTorch's optimizers use these functions on lists of tensors, too (torch/optim/adam.py, 2.13).
# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false

from typing import Any

import torch
from torch import Tensor

Tensors = list[Tensor]
Self = Any  # Any: a generated class, which has the fields of its spec
Group = dict[str, Any]  # Any: as in torch.optim.Optimizer.param_groups


def numbers(lr: float) -> list[float]:
    """The learning rate."""
    return [lr]


def adam_numbers(self: Self, lr: float, t: int) -> list[float]:
    """The learning rate with both corrections of the bias."""
    return [lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)]


def adam(
    self: Self,
    weights: Tensors,
    gradients: Tensors,
    exp_avg: Tensors,
    exp_avg_sq: Tensors,
    max_exp_avg_sq: Tensors,
    *,
    rate: float,
    amsgrad: bool = False,
) -> None:
    """Adam by PyTorch's kernel, with Keras's epsilon, which is outside the bias correction."""
    # The rate corrects the bias, of which the kernel finds none after endless steps.
    endless = weights[0].new_full((), torch.inf)
    torch._fused_adam_(
        weights,
        gradients,
        exp_avg,
        exp_avg_sq,
        max_exp_avg_sq,
        [endless] * len(weights),
        lr=rate,
        beta1=self.beta_1,
        beta2=self.beta_2,
        weight_decay=0.0,
        eps=self.epsilon,
        amsgrad=amsgrad,
        maximize=False,
    )


def descent(weights: Tensors, gradients: Tensors, *, rate: float) -> None:
    """Gradient descent."""
    torch._foreach_mul_(gradients, rate)
    torch._foreach_sub_(weights, gradients)


def momentum(
    self: Self, weights: Tensors, gradients: Tensors, velocity: Tensors, *, rate: float
) -> None:
    """Gradient descent with momentum; Keras's velocity holds the learning rate."""
    torch._foreach_mul_(gradients, rate)
    torch._foreach_mul_(velocity, self.momentum)
    torch._foreach_sub_(velocity, gradients)
    torch._foreach_add_(weights, velocity)


def nesterov(
    self: Self, weights: Tensors, gradients: Tensors, velocity: Tensors, *, rate: float
) -> None:
    """Gradient descent with Nesterov's momentum; Keras's velocity holds the learning rate."""
    torch._foreach_mul_(gradients, rate)
    torch._foreach_mul_(velocity, self.momentum)
    torch._foreach_sub_(velocity, gradients)
    torch._foreach_add_(weights, velocity, alpha=self.momentum)
    torch._foreach_sub_(weights, gradients)


def rmsprop(
    self: Self,
    weights: Tensors,
    gradients: Tensors,
    velocity: Tensors,
    average_gradient: Tensors,
    momentum: Tensors,
    *,
    rate: float,
    centered: bool = False,
    moving: bool = False,
) -> None:
    """RMSprop with Keras's epsilon, which is inside the root."""
    torch._foreach_mul_(velocity, self.rho)
    torch._foreach_addcmul_(velocity, gradients, gradients, value=1 - self.rho)
    if centered:
        torch._foreach_lerp_(average_gradient, gradients, 1 - self.rho)
        squares = torch._foreach_mul(average_gradient, average_gradient)
        divisors = torch._foreach_sub(velocity, squares)
        torch._foreach_add_(divisors, self.epsilon)
    else:
        divisors = torch._foreach_add(velocity, self.epsilon)
    torch._foreach_sqrt_(divisors)
    if moving:
        torch._foreach_mul_(momentum, self.momentum)
        torch._foreach_mul_(gradients, rate)
        torch._foreach_addcdiv_(momentum, gradients, divisors)
        torch._foreach_sub_(weights, momentum)
    else:
        moves = torch._foreach_div(gradients, divisors)
        torch._foreach_mul_(moves, rate)
        torch._foreach_sub_(weights, moves)


def adagrad(
    self: Self, weights: Tensors, gradients: Tensors, accumulator: Tensors, *, rate: float
) -> None:
    """Adagrad with Keras's epsilon, which is inside the root."""
    torch._foreach_addcmul_(accumulator, gradients, gradients)
    divisors = torch._foreach_add(accumulator, self.epsilon)
    torch._foreach_sqrt_(divisors)
    moves = torch._foreach_div(gradients, divisors)
    torch._foreach_mul_(moves, rate)
    torch._foreach_sub_(weights, moves)


def adamax_numbers(self: Self, lr: float, t: int) -> list[float]:
    """The learning rate with the correction of the bias."""
    return [lr / (1 - self.beta_1**t)]


def adamax(
    self: Self,
    weights: Tensors,
    gradients: Tensors,
    momentum: Tensors,
    largest: Tensors,
    *,
    rate: float,
) -> None:
    """Adamax with Keras's epsilon, which is added to the largest gradient."""
    torch._foreach_lerp_(momentum, gradients, 1 - self.beta_1)
    torch._foreach_mul_(largest, self.beta_2)
    torch._foreach_maximum_(largest, torch._foreach_abs(gradients))
    divisors = torch._foreach_add(largest, self.epsilon)
    moves = torch._foreach_div(momentum, divisors)
    torch._foreach_mul_(moves, rate)
    torch._foreach_sub_(weights, moves)


def nadam_numbers(self: Self, group: Group, lr: float, t: int) -> list[float]:
    """The correction of the velocity, and the rates of the momentum and the gradient."""
    mu, mu_next = (self.beta_1 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))
    group["product"] *= mu
    return [
        1 - self.beta_2**t,
        lr * mu_next / (1 - group["product"] * mu_next),
        lr * (1 - mu) / (1 - group["product"]),
    ]


def nadam(
    self: Self,
    weights: Tensors,
    gradients: Tensors,
    momentum: Tensors,
    velocity: Tensors,
    *,
    correction: float,
    ahead: float,
    here: float,
) -> None:
    """Nadam with Keras's momentum, which warms up faster than PyTorch's."""
    torch._foreach_lerp_(momentum, gradients, 1 - self.beta_1)
    torch._foreach_mul_(velocity, self.beta_2)
    torch._foreach_addcmul_(velocity, gradients, gradients, value=1 - self.beta_2)
    divisors = torch._foreach_div(velocity, correction)
    torch._foreach_sqrt_(divisors)
    torch._foreach_add_(divisors, self.epsilon)
    moves = torch._foreach_div(momentum, divisors)
    torch._foreach_mul_(moves, ahead)
    torch._foreach_sub_(weights, moves)
    moves = torch._foreach_div(gradients, divisors)
    torch._foreach_mul_(moves, here)
    torch._foreach_sub_(weights, moves)


def lion(
    self: Self, weights: Tensors, gradients: Tensors, momentum: Tensors, *, rate: float
) -> None:
    """Lion: every value moves by the learning rate, in one direction or the other."""
    directions = torch._foreach_mul(momentum, self.beta_1)
    torch._foreach_add_(directions, gradients, alpha=1 - self.beta_1)
    torch._foreach_sign_(directions)
    torch._foreach_mul_(directions, rate)
    torch._foreach_sub_(weights, directions)
    torch._foreach_lerp_(momentum, gradients, 1 - self.beta_2)


def clipnorm(self: Self, gradients: Tensors) -> None:
    """Limit the norm of every gradient."""
    norms = torch._foreach_clamp_min(torch._foreach_norm(gradients), self.clipnorm)
    torch._foreach_mul_(gradients, self.clipnorm)
    torch._foreach_div_(gradients, norms)


def global_clipnorm(self: Self, gradients: Tensors) -> None:
    """Limit the norm of all gradients together."""
    norm = torch.stack(torch._foreach_norm(gradients)).norm()
    norm.clamp_(min=self.global_clipnorm)
    torch._foreach_mul_(gradients, self.global_clipnorm / norm)


def clipvalue(self: Self, gradients: Tensors) -> None:
    """Limit the values of the gradients."""
    torch._foreach_clamp_min_(gradients, -self.clipvalue)
    torch._foreach_clamp_max_(gradients, self.clipvalue)


def weight_decay_numbers(self: Self, lr: float) -> list[float]:
    """The factor of the weights."""
    return [1 - lr * self.weight_decay]


def weight_decay(weights: Tensors, *, decay: float) -> None:
    """Decay the weights."""
    torch._foreach_mul_(weights, decay)


def update(self: Self) -> None:
    """Take a step."""
    self.update(*self.numbers())


def update_at_every_nth(
    self: Self, group: Group, gradients: Tensors, gradient_sum: Tensors
) -> None:
    """Take a step with the mean of the last gradients, at every nth call."""
    group["steps"] += 1
    torch._foreach_add_(gradient_sum, gradients)
    if group["steps"] % self.gradient_accumulation_steps == 0:
        means = torch._foreach_div(gradient_sum, self.gradient_accumulation_steps)
        torch._foreach_copy_(gradients, means)
        torch._foreach_zero_(gradient_sum)
        self.update(*self.numbers())


def average(
    self: Self,
    group: Group,
    weights: Tensors,
    average: Tensors,
    *,
    accumulated: bool = False,
) -> None:
    """Update the moving averages; the first ones are the weights."""
    if accumulated:
        t = (group["steps"] - 1) // self.gradient_accumulation_steps + 1
    else:
        t = group["steps"]
    torch._foreach_lerp_(average, weights, 1 - self.ema_momentum if t > 1 else 1)


def overwrite(self: Self, weights: Tensors, average: Tensors, t: int) -> None:
    """Replace the weights by their averages after every few steps."""
    if t % self.ema_overwrite_frequency == 0:
        torch._foreach_copy_(weights, average)
