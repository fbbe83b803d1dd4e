"""How each optimizer moves the weights: Keras's rules, as statements of PyTorch.

The statements are in `netspec_torch.updates`. The numbers that change from step to step are
separate from the statements, as `netspec_torch.optimizers` needs them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path

from netspec.backend.emit.cut import Function
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

_UPDATES = Path(__file__).with_name("updates.py")


def statements(name: str, **constants: object) -> list[str]:
    """The statements of a function of `netspec_torch.updates`."""
    return Function(_UPDATES, name).body(constants)


def numbers(name: str) -> list[str]:
    """The expressions that a function of `netspec_torch.updates` returns."""
    return Function(_UPDATES, name).returned


def mentions(lines: Iterable[str], name: str) -> bool:
    """Whether statements use a name."""
    return any(re.search(rf"(?<![\w.\"]){name}\b", line) for line in lines)


@dataclass(frozen=True)
class Rule:
    """How an optimizer moves the weights.

    `update` and `numbers` are names of functions of `netspec_torch.updates`. `constants` are the
    parameters that the spec decides. `takes` names the fields that the class takes. `initial` are
    the initial values of slots of a weight w that are not zeros. The slots in `never_negative` are
    sums or means of squares, or maximum absolute values. `counters` are counted in the group.
    """

    update: str
    takes: tuple[str, ...] = ()
    numbers: str = "numbers"
    constants: Mapping[str, object] = field(default_factory=dict[str, object])
    initial: Mapping[str, str] = field(default_factory=dict[str, str])
    counters: Mapping[str, str] = field(default_factory=dict[str, str])
    never_negative: tuple[str, ...] = ()

    @property
    def doc(self) -> str:
        """A sentence about the rule."""
        return Function(_UPDATES, self.update).doc

    @property
    def lines(self) -> list[str]:
        """Statements about the lists `weights` and `gradients`, the slots and the numbers."""
        return statements(self.update, **self.constants)

    @property
    def slots(self) -> dict[str, str]:
        """The initial values of the tensors that are stored for every weight w, by name."""
        _, *lists = [name for name in Function(_UPDATES, self.update).parameters if name != "self"]
        names = [name for name in lists if name != "gradients" and mentions(self.lines, name)]
        return {name: self.initial.get(name, ZEROS) for name in names}

    @property
    def before(self) -> list[str]:
        """Statements that the numbers need."""
        return statements(self.numbers)

    @property
    def values(self) -> dict[str, str]:
        """The numbers of a step by name, as expressions."""
        names = Function(_UPDATES, self.update).keywords
        return dict(zip(names, numbers(self.numbers), strict=True))


@singledispatch
def rule(optimizer: Optimizer) -> Rule:
    """The rule of an optimizer; the formulas are in netspec.language.training.optimizers."""
    raise NotImplementedError(optimizer.tag)


@rule.register
def _(optimizer: Adam) -> Rule:
    constants: dict[str, object] = {"amsgrad": optimizer.amsgrad}
    return Rule(
        "adam",
        ("beta_1", "beta_2", "epsilon"),
        "adam_numbers",
        constants if optimizer.amsgrad else {**constants, "max_exp_avg_sq": []},
        never_negative=("exp_avg_sq", "max_exp_avg_sq"),
    )


@rule.register
def _(optimizer: Sgd) -> Rule:
    if optimizer.momentum == 0:
        return Rule("descent")
    return Rule("nesterov" if optimizer.nesterov else "momentum", ("momentum",))


@rule.register
def _(optimizer: RMSprop) -> Rule:
    moving = optimizer.momentum > 0
    return Rule(
        "rmsprop",
        ("rho", "momentum", "epsilon") if moving else ("rho", "epsilon"),
        constants={"centered": optimizer.centered, "moving": moving},
        never_negative=("velocity",),
    )


@rule.register
def _(_optimizer: Adagrad) -> Rule:
    return Rule(
        "adagrad",
        ("initial_accumulator_value", "epsilon"),
        initial={"accumulator": "torch.full_like(w, initial_accumulator_value)"},
        never_negative=("accumulator",),
    )


@rule.register
def _(_optimizer: Adamax) -> Rule:
    return Rule(
        "adamax",
        ("beta_1", "beta_2", "epsilon"),
        "adamax_numbers",
        never_negative=("largest",),
    )


@rule.register
def _(_optimizer: Nadam) -> Rule:
    return Rule(
        "nadam",
        ("beta_1", "beta_2", "epsilon"),
        "nadam_numbers",
        counters={"product": "1.0"},
        never_negative=("velocity",),
    )


@rule.register
def _(_optimizer: Lion) -> Rule:
    return Rule("lion", ("beta_1", "beta_2"))
