"""The optimizers of generated PyTorch modules: Keras's rules, which PyTorch's own do not follow.

A module holds one class, with what its spec asks for and nothing else. It works on all weights at
once, by PyTorch's _foreach functions, and never waits for the device. What changes from step to
step are a few numbers, which `numbers` gives and `update` takes: as numbers or as tensors of one
value, so that a CUDA graph can hold the update (`netspec_torch.capture`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import singledispatch
from textwrap import dedent

from netspec.code import call
from netspec.optimizers import (
    CLIPS,
    Adagrad,
    Adam,
    Adamax,
    AdamW,
    Lion,
    Nadam,
    Optimizer,
    RMSprop,
    Sgd,
)
from netspec.spec import Train

CLASSES: dict[type[Optimizer], str] = {
    Adam: "Adam",
    AdamW: "AdamW",
    Sgd: "SGD",
    RMSprop: "RMSprop",
    Adagrad: "Adagrad",
    Adamax: "Adamax",
    Nadam: "Nadam",
    Lion: "Lion",
}

COUNTERS = ("steps", "product")
"""What an optimizer counts beside its slots, in its group."""

_ZEROS = "torch.zeros_like(w)"


@dataclass
class Rule:
    """How an optimizer moves the weights.

    `lines` are statements about the lists `weights`, `gradients` and those of `slots`, and about
    the `numbers`. These are expressions by name, about the learning rate `lr` and the number `t` of
    the step, which begins with 1; `before` are statements that they need. `slots` holds what is
    remembered of every weight w: how it begins, by name. `takes` names the fields.
    """

    doc: str
    takes: tuple[str, ...]
    slots: dict[str, str]
    lines: list[str]
    numbers: dict[str, str] = field(default_factory=lambda: {"rate": "lr"})
    before: list[str] = field(default_factory=list[str])
    counters: dict[str, str] = field(default_factory=dict[str, str])


def class_name(optimizer: Optimizer) -> str:
    """The class of the module that is this optimizer."""
    return CLASSES[type(optimizer)]


def arguments(train: Train) -> dict[str, object]:
    """What the class of this training's optimizer takes behind the learning rate."""
    names = [*rule(train.optimizer).takes, *_modifiers(train.optimizer)]
    values: dict[str, object] = {name: getattr(train.optimizer, name) for name in names}
    if train.gradient_accumulation_steps:
        values["gradient_accumulation_steps"] = train.gradient_accumulation_steps
    return values


def _modifiers(optimizer: Optimizer) -> list[str]:
    """The fields of what is done around the rule, those in use."""
    names = [name for name in ("weight_decay", *CLIPS) if getattr(optimizer, name) is not None]
    if optimizer.use_ema:
        names += ["ema_momentum"]
        names += ["ema_overwrite_frequency"] if optimizer.ema_overwrite_frequency else []
    return names


def in_one_update(train: Train) -> bool:
    """Whether a step is its numbers and one update with them, and nothing that depends on both."""
    return not (train.gradient_accumulation_steps or train.optimizer.use_ema)


def definition(train: Train) -> str:
    """The class of this training's optimizer."""
    followed = rule(train.optimizer)
    methods = [
        _numbers(followed, train),
        _update(followed, train),
        _step(train),
    ]
    counts = any('group["steps"]' in line for method in methods for line in method)
    methods.insert(0, _init(followed, train, counts=counts))
    return "\n".join(
        [
            f"class {class_name(train.optimizer)}(torch.optim.Optimizer):",
            f'    """{followed.doc}"""',
            *(line for method in methods for line in ("", *_indented(method))),
        ]
    )


def _init(followed: Rule, train: Train, *, counts: bool) -> list[str]:
    group = {"lr": "learning_rate", **({"steps": "0"} if counts else {}), **followed.counters}
    written = ", ".join(f'"{key}": {value}' for key, value in group.items())
    lines = [f"super().__init__(parameters, {{{written}}})"]
    lines += [f"self.{name} = {name}" for name in arguments(train)]
    if slots := _slots(followed, train):
        lines.append('for w in self.param_groups[0]["params"]:')
        lines += [f'    self.state[w]["{name}"] = {value}' for name, value in slots.items()]
    taken = ["self", "parameters", "learning_rate", *arguments(train)]
    # Written with its indentation, which decides whether it fits a line.
    head = dedent(call("    def __init__", taken, " -> None:"))
    return [*head.splitlines(), *_indented(lines)]


def _slots(followed: Rule, train: Train) -> dict[str, str]:
    """What the class remembers of every weight."""
    more = {"gradient_sum": _ZEROS} if train.gradient_accumulation_steps else {}
    more |= {"average": _ZEROS} if train.optimizer.use_ema else {}
    return {**followed.slots, **more}


def _numbers(followed: Rule, train: Train) -> list[str]:
    """The method that gives the numbers of the next update."""
    values = _values(followed, train)
    given = dedent(call("        return ", [*values.values()], brackets="[]"))
    body = [*followed.before, *given.splitlines()]
    timed, accumulated = _mentions(body, "t"), train.gradient_accumulation_steps
    body = ['lr = group["lr"]', *body]
    if timed:
        count = 'group["steps"]'
        body = [f"t = {count}{' // self.gradient_accumulation_steps' * bool(accumulated)}", *body]
    if (timed or train.optimizer.use_ema) and not accumulated:  # else `step` counts the batches
        body = ['group["steps"] += 1', *body]
    doc = '"""What changes from step to step: the numbers that the next update takes."""'
    return ["def numbers(self) -> list:", *_indented([doc, _GROUP, *body])]


def _values(followed: Rule, train: Train) -> dict[str, str]:
    """The numbers of an update: expressions by name."""
    decays = train.optimizer.weight_decay is not None
    return {**followed.numbers, **({"decay": "1 - lr * self.weight_decay"} if decays else {})}


def _update(followed: Rule, train: Train) -> list[str]:
    """The method that moves the weights by their gradients."""
    body = [*_clipping(train.optimizer), *_weight_decay(train.optimizer), *followed.lines]
    doc = '"""Move the weights; each number may be a tensor of one value."""'
    taken = ", ".join(["self", *_values(followed, train)])
    begin = ["@torch.no_grad()", f"def update({taken}) -> None:"]
    return [*begin, *_indented([doc, *_with_lists(body, followed.slots)])]


def _step(train: Train) -> list[str]:
    """The method that takes a step."""
    updates = "self.update(*self.numbers())"
    if in_one_update(train):
        return ["def step(self) -> None:", *_indented([updates])]
    t = 'group["steps"]'
    body = [updates]
    if train.gradient_accumulation_steps:
        body = _at_every_nth(updates)
        t = f"({t} - 1) // self.gradient_accumulation_steps + 1"
    averages = _averages(train.optimizer)
    if averages:
        body += [f"t = {t}", *averages]
    body = _with_lists(body, ("gradient_sum", "average"))
    return ["@torch.no_grad()", "def step(self) -> None:", *_indented(body)]


_GROUP = "(group,) = self.param_groups"


def _with_lists(body: list[str], slots: Iterable[str]) -> list[str]:
    """Statements behind what they are about: the group, and the lists of it."""
    lists = {
        "weights": '[w for w in group["params"] if w.grad is not None]',
        "gradients": "[w.grad for w in weights]",
        **{name: f'[self.state[w]["{name}"] for w in weights]' for name in slots},
    }
    for name, value in reversed(lists.items()):
        if _mentions(body, name):
            body = [f"{name} = {value}", *body]
    return [_GROUP, *body]


def _mentions(lines: Iterable[str], name: str) -> bool:
    """Whether statements use a name."""
    return any(re.search(rf"(?<![\w.\"]){name}\b", line) for line in lines)


def _clipping(optimizer: Optimizer) -> list[str]:
    if optimizer.clipnorm is not None:
        return [
            "norms = torch._foreach_clamp_min(torch._foreach_norm(gradients), self.clipnorm)",
            "torch._foreach_mul_(gradients, self.clipnorm)",
            "torch._foreach_div_(gradients, norms)",
        ]
    if optimizer.global_clipnorm is not None:
        return [
            "norm = torch.stack(torch._foreach_norm(gradients)).norm()",
            "norm.clamp_(min=self.global_clipnorm)",
            "torch._foreach_mul_(gradients, self.global_clipnorm / norm)",
        ]
    if optimizer.clipvalue is not None:
        return [
            "torch._foreach_clamp_min_(gradients, -self.clipvalue)",
            "torch._foreach_clamp_max_(gradients, self.clipvalue)",
        ]
    return []


def _weight_decay(optimizer: Optimizer) -> list[str]:
    return [] if optimizer.weight_decay is None else ["torch._foreach_mul_(weights, decay)"]


def _at_every_nth(updates: str) -> list[str]:
    """The update with the mean of the last gradients, after every few calls."""
    return [
        'group["steps"] += 1',
        "torch._foreach_add_(gradient_sum, gradients)",
        'if group["steps"] % self.gradient_accumulation_steps == 0:',
        "    means = torch._foreach_div(gradient_sum, self.gradient_accumulation_steps)",
        "    torch._foreach_copy_(gradients, means)",
        "    torch._foreach_zero_(gradient_sum)",
        f"    {updates}",
    ]


def _averages(optimizer: Optimizer) -> list[str]:
    """The moving averages; the first ones are the weights."""
    if not optimizer.use_ema:
        return []
    lines = ["torch._foreach_lerp_(average, weights, 1 - self.ema_momentum if t > 1 else 1)"]
    if optimizer.ema_overwrite_frequency:
        lines += [
            "if t % self.ema_overwrite_frequency == 0:",
            "    torch._foreach_copy_(weights, average)",
        ]
    return lines


def _indented(lines: Iterable[str], spaces: int = 4) -> list[str]:
    return [f"{' ' * spaces}{line}" for line in lines]


@singledispatch
def rule(optimizer: Optimizer) -> Rule:
    """The rule of an optimizer; the formulas stand in netspec.optimizers."""
    raise NotImplementedError(optimizer.tag)


@rule.register
def _(optimizer: Adam) -> Rule:
    slots = {
        "exp_avg": _ZEROS,
        "exp_avg_sq": _ZEROS,
        **({"max_exp_avg_sq": _ZEROS} if optimizer.amsgrad else {}),
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
        "Adam by PyTorch's kernel, with Keras's epsilon, which stands outside the bias correction.",
        ("beta_1", "beta_2", "epsilon"),
        slots,
        [
            "# The rate corrects the bias, of which the kernel finds none after endless steps.",
            "endless = weights[0].new_full((), torch.inf)",
            "torch._fused_adam_(",
            *(f"    {each}," for each in called),
            ")",
        ],
        {"rate": "lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)"},
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
    return Rule(doc, ("momentum",), {"velocity": _ZEROS}, lines)


def _moved(directions: str, rate: str = "rate") -> list[str]:
    """Move the weights by a rate times what the directions are divided by."""
    return [
        f"moves = torch._foreach_div({directions}, divisors)",
        f"torch._foreach_mul_(moves, {rate})",
        "torch._foreach_sub_(weights, moves)",
    ]


@rule.register
def _(optimizer: RMSprop) -> Rule:
    slots = {"velocity": _ZEROS}
    lines = [
        "torch._foreach_mul_(velocity, self.rho)",
        "torch._foreach_addcmul_(velocity, gradients, gradients, value=1 - self.rho)",
    ]
    if optimizer.centered:
        slots["average_gradient"] = _ZEROS
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
        slots["momentum"] = _ZEROS
        takes = ("rho", "momentum", "epsilon")
        lines += [
            "torch._foreach_mul_(momentum, self.momentum)",
            "torch._foreach_mul_(gradients, rate)",
            "torch._foreach_addcdiv_(momentum, gradients, divisors)",
            "torch._foreach_sub_(weights, momentum)",
        ]
    else:
        lines += _moved("gradients")
    return Rule("RMSprop with Keras's epsilon, which stands inside the root.", takes, slots, lines)


@rule.register
def _(_optimizer: Adagrad) -> Rule:
    return Rule(
        "Adagrad with Keras's epsilon, which stands inside the root.",
        ("initial_accumulator_value", "epsilon"),
        {"accumulator": "torch.full_like(w, initial_accumulator_value)"},
        [
            "torch._foreach_addcmul_(accumulator, gradients, gradients)",
            "divisors = torch._foreach_add(accumulator, self.epsilon)",
            "torch._foreach_sqrt_(divisors)",
            *_moved("gradients"),
        ],
    )


@rule.register
def _(_optimizer: Adamax) -> Rule:
    return Rule(
        "Adamax with Keras's epsilon, which is added to the largest gradient.",
        ("beta_1", "beta_2", "epsilon"),
        {"momentum": _ZEROS, "largest": _ZEROS},
        [
            "torch._foreach_lerp_(momentum, gradients, 1 - self.beta_1)",
            "torch._foreach_mul_(largest, self.beta_2)",
            "torch._foreach_maximum_(largest, torch._foreach_abs(gradients))",
            "divisors = torch._foreach_add(largest, self.epsilon)",
            *_moved("momentum"),
        ],
        {"rate": "lr / (1 - self.beta_1**t)"},
    )


@rule.register
def _(_optimizer: Nadam) -> Rule:
    return Rule(
        "Nadam with Keras's momentum, which warms up faster than PyTorch's.",
        ("beta_1", "beta_2", "epsilon"),
        {"momentum": _ZEROS, "velocity": _ZEROS},
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
    )


@rule.register
def _(_optimizer: Lion) -> Rule:
    return Rule(
        "Lion: every value moves by the learning rate, in one direction or the other.",
        ("beta_1", "beta_2"),
        {"momentum": _ZEROS},
        [
            "directions = torch._foreach_mul(momentum, self.beta_1)",
            "torch._foreach_add_(directions, gradients, alpha=1 - self.beta_1)",
            "torch._foreach_sign_(directions)",
            "torch._foreach_mul_(directions, rate)",
            "torch._foreach_sub_(weights, directions)",
            "torch._foreach_lerp_(momentum, gradients, 1 - self.beta_2)",
        ],
    )
