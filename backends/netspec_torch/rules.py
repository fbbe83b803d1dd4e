"""How each optimizer moves the weights: Keras's rules, as statements of PyTorch.

The numbers that change from step to step are separate from the statements, as
`netspec_torch.optimizers` needs them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import singledispatch

from netspec.language.training.optimizers import (
    Adagrad,
    Adam,
    Adamax,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    Sgd,
)

ZEROS = "torch.zeros_like(w)"
"""The initial value of most slots of a weight w."""


@dataclass
class Rule:
    """How an optimizer moves the weights.

    `lines` are statements about the lists `weights` and `gradients`, the lists of `slots`, and the
    `numbers`. Numbers are expressions by name, about the learning rate `lr` and the number `t` of
    the step, which begins with 1; `before` are statements that they need. `slots` contains the
    initial values of what is stored for every weight w, by name. The slots in `never_negative` are
    sums or means of squares, or maximum absolute values. `takes` names the fields.
    """

    doc: str
    takes: tuple[str, ...]
    slots: dict[str, str]
    lines: list[str]
    numbers: dict[str, str] = field(default_factory=lambda: {"rate": "lr"})
    before: list[str] = field(default_factory=list[str])
    counters: dict[str, str] = field(default_factory=dict[str, str])
    never_negative: tuple[str, ...] = ()


@singledispatch
def rule(optimizer: Optimizer) -> Rule:
    """The rule of an optimizer; the formulas are in netspec.language.training.optimizers."""
    raise NotImplementedError(optimizer.tag)


@rule.register
def _(optimizer: Adam) -> Rule:
    slots = {
        "exp_avg": ZEROS,
        "exp_avg_sq": ZEROS,
        **({"max_exp_avg_sq": ZEROS} if optimizer.amsgrad else {}),
    }
    called = [
        "weights",
        "gradients",
        "exp_avg",
        "exp_avg_sq",
        "max_exp_avg_sq" if optimizer.amsgrad else "[]",
        "[endless] * len(weights)",
        "lr=rate",
        "beta1=self.beta_1",
        "beta2=self.beta_2",
        "weight_decay=0.0",
        "eps=self.epsilon",
        f"amsgrad={optimizer.amsgrad}",
        "maximize=False",
    ]
    return Rule(
        "Adam by PyTorch's kernel, with Keras's epsilon, which is outside the bias correction.",
        ("beta_1", "beta_2", "epsilon"),
        slots,
        [
            "# The rate corrects the bias, of which the kernel finds none after endless steps.",
            "endless = weights[0].new_full((), torch.inf)",
            "torch._fused_adam_(",
            *(f"    {argument}," for argument in called),
            ")",
        ],
        {"rate": "lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)"},
        never_negative=("exp_avg_sq", "max_exp_avg_sq"),
    )


@rule.register
def _(optimizer: Sgd) -> Rule:
    scaled = "torch._foreach_mul_(gradients, rate)"
    if optimizer.momentum == 0:
        lines = [scaled, "torch._foreach_sub_(weights, gradients)"]
        return Rule("Gradient descent.", (), {}, lines)
    lines = [
        scaled,
        "torch._foreach_mul_(velocity, self.momentum)",
        "torch._foreach_sub_(velocity, gradients)",
    ]
    if optimizer.nesterov:
        lines += [
            "torch._foreach_add_(weights, velocity, alpha=self.momentum)",
            "torch._foreach_sub_(weights, gradients)",
        ]
    else:
        lines.append("torch._foreach_add_(weights, velocity)")
    momentum = "Nesterov's momentum" if optimizer.nesterov else "momentum"
    doc = f"Gradient descent with {momentum}; Keras's velocity holds the learning rate."
    return Rule(doc, ("momentum",), {"velocity": ZEROS}, lines)


def _moved(directions: str, rate: str = "rate") -> list[str]:
    """Move the weights by a rate times what the directions are divided by."""
    return [
        f"moves = torch._foreach_div({directions}, divisors)",
        f"torch._foreach_mul_(moves, {rate})",
        "torch._foreach_sub_(weights, moves)",
    ]


@rule.register
def _(optimizer: RMSprop) -> Rule:
    slots = {"velocity": ZEROS}
    lines = [
        "torch._foreach_mul_(velocity, self.rho)",
        "torch._foreach_addcmul_(velocity, gradients, gradients, value=1 - self.rho)",
    ]
    if optimizer.centered:
        slots["average_gradient"] = ZEROS
        lines += [
            "torch._foreach_lerp_(average_gradient, gradients, 1 - self.rho)",
            "squares = torch._foreach_mul(average_gradient, average_gradient)",
            "divisors = torch._foreach_sub(velocity, squares)",
            "torch._foreach_add_(divisors, self.epsilon)",
        ]
    else:
        lines.append("divisors = torch._foreach_add(velocity, self.epsilon)")
    lines.append("torch._foreach_sqrt_(divisors)")
    takes = ("rho", "epsilon")
    if optimizer.momentum > 0:
        slots["momentum"] = ZEROS
        takes = ("rho", "momentum", "epsilon")
        lines += [
            "torch._foreach_mul_(momentum, self.momentum)",
            "torch._foreach_mul_(gradients, rate)",
            "torch._foreach_addcdiv_(momentum, gradients, divisors)",
            "torch._foreach_sub_(weights, momentum)",
        ]
    else:
        lines += _moved("gradients")
    doc = "RMSprop with Keras's epsilon, which is inside the root."
    return Rule(doc, takes, slots, lines, never_negative=("velocity",))


@rule.register
def _(_optimizer: Adagrad) -> Rule:
    return Rule(
        "Adagrad with Keras's epsilon, which is inside the root.",
        ("initial_accumulator_value", "epsilon"),
        {"accumulator": "torch.full_like(w, initial_accumulator_value)"},
        [
            "torch._foreach_addcmul_(accumulator, gradients, gradients)",
            "divisors = torch._foreach_add(accumulator, self.epsilon)",
            "torch._foreach_sqrt_(divisors)",
            *_moved("gradients"),
        ],
        never_negative=("accumulator",),
    )


@rule.register
def _(_optimizer: Adamax) -> Rule:
    return Rule(
        "Adamax with Keras's epsilon, which is added to the largest gradient.",
        ("beta_1", "beta_2", "epsilon"),
        {"momentum": ZEROS, "largest": ZEROS},
        [
            "torch._foreach_lerp_(momentum, gradients, 1 - self.beta_1)",
            "torch._foreach_mul_(largest, self.beta_2)",
            "torch._foreach_maximum_(largest, torch._foreach_abs(gradients))",
            "divisors = torch._foreach_add(largest, self.epsilon)",
            *_moved("momentum"),
        ],
        {"rate": "lr / (1 - self.beta_1**t)"},
        never_negative=("largest",),
    )


@rule.register
def _(_optimizer: Nadam) -> Rule:
    return Rule(
        "Nadam with Keras's momentum, which warms up faster than PyTorch's.",
        ("beta_1", "beta_2", "epsilon"),
        {"momentum": ZEROS, "velocity": ZEROS},
        [
            "torch._foreach_lerp_(momentum, gradients, 1 - self.beta_1)",
            "torch._foreach_mul_(velocity, self.beta_2)",
            "torch._foreach_addcmul_(velocity, gradients, gradients, value=1 - self.beta_2)",
            "divisors = torch._foreach_div(velocity, correction)",
            "torch._foreach_sqrt_(divisors)",
            "torch._foreach_add_(divisors, self.epsilon)",
            *_moved("momentum", "ahead"),
            *_moved("gradients", "here"),
        ],
        {
            "correction": "1 - self.beta_2**t",
            "ahead": 'lr * mu_next / (1 - group["product"] * mu_next)',
            "here": 'lr * (1 - mu) / (1 - group["product"])',
        },
        before=[
            "mu, mu_next = (self.beta_1 * (1 - 0.5 * 0.96**step) for step in (t, t + 1))",
            'group["product"] *= mu',
        ],
        counters={"product": "1.0"},
        never_negative=("velocity",),
    )


@rule.register
def _(_optimizer: Lion) -> Rule:
    return Rule(
        "Lion: every value moves by the learning rate, in one direction or the other.",
        ("beta_1", "beta_2"),
        {"momentum": ZEROS},
        [
            "directions = torch._foreach_mul(momentum, self.beta_1)",
            "torch._foreach_add_(directions, gradients, alpha=1 - self.beta_1)",
            "torch._foreach_sign_(directions)",
            "torch._foreach_mul_(directions, rate)",
            "torch._foreach_sub_(weights, directions)",
            "torch._foreach_lerp_(momentum, gradients, 1 - self.beta_2)",
        ],
    )
