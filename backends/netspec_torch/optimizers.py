"""The optimizers of generated PyTorch modules: Keras's rules, which PyTorch's own do not follow.

A module contains one class, with only what its spec requires. It works on all weights at once, by
PyTorch's _foreach functions, and never waits for the device. What changes from step to step are a
few numbers. `numbers` returns them and `update` takes them: as numbers or as tensors of one value,
so that a CUDA graph can contain the update (`netspec_torch.capture`).
"""

from __future__ import annotations

from collections.abc import Iterable

from netspec.backend.emit.code import WIDTH, call
from netspec.backend.emit.document import INDENT, Document, render
from netspec.backend.emit.module import block, class_, function
from netspec.language.spec import Train
from netspec.language.training.optimizers import (
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
from netspec_torch.rules import ZEROS, Rule, mentions, numbers, rule, statements

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
"""What an optimizer counts besides its slots, in its group."""


def class_name(optimizer: Optimizer) -> str:
    """The class of the module that is this optimizer."""
    return CLASSES[type(optimizer)]


def arguments(train: Train) -> dict[str, object]:
    """What the class of this training's optimizer takes after the learning rate."""
    names = [*rule(train.optimizer).takes, *_modifiers(train.optimizer)]
    values: dict[str, object] = {name: getattr(train.optimizer, name) for name in names}
    if train.gradient_accumulation_steps:
        values["gradient_accumulation_steps"] = train.gradient_accumulation_steps
    return values


def _modifiers(optimizer: Optimizer) -> list[str]:
    """The fields in use of what is done before and after the rule."""
    names = [name for name in ("weight_decay", *CLIPS) if getattr(optimizer, name) is not None]
    if optimizer.use_ema:
        names += ["ema_momentum"]
        names += ["ema_overwrite_frequency"] if optimizer.ema_overwrite_frequency else []
    return names


def in_one_update(train: Train) -> bool:
    """Whether a step is its numbers and one update with them, and nothing that depends on both."""
    return not (train.gradient_accumulation_steps or train.optimizer.use_ema)


def definition(train: Train) -> Document:
    """The class of this training's optimizer."""
    followed = rule(train.optimizer)
    bodies = (_numbers(followed, train), _update(followed, train), _step(train))
    methods = [
        _init(
            followed,
            train,
            counts=any('group["steps"]' in line for body in bodies for line in body),
        ),
        function("numbers", ["self"], "list", bodies[0], doc=[_NUMBERS_DOC]),
        function(
            "update",
            ["self", *_values(followed, train)],
            "None",
            bodies[1],
            doc=["Move the weights; each number may be a tensor of one value."],
            decorator="@torch.no_grad()",
        ),
        function(
            "step",
            ["self"],
            "None",
            bodies[2],
            decorator="" if in_one_update(train) else "@torch.no_grad()",
        ),
    ]
    return class_(class_name(train.optimizer), "torch.optim.Optimizer", followed.doc, methods)


_NUMBERS_DOC = "What changes from step to step: the numbers that the next update takes."


def _init(followed: Rule, train: Train, *, counts: bool) -> Document:
    group = {"lr": "learning_rate", **({"steps": "0"} if counts else {}), **followed.counters}
    items = ", ".join(f'"{key}": {value}' for key, value in group.items())
    lines: list[Document] = [f"super().__init__(parameters, {{{items}}})"]
    lines += [f"self.{name} = {name}" for name in arguments(train)]
    if slots := _slots(followed, train):
        states = [f'self.state[w]["{name}"] = {value}' for name, value in slots.items()]
        lines.append(block('for w in self.param_groups[0]["params"]:', states))
    parameters = ["self", "parameters", "learning_rate", *arguments(train)]
    return function("__init__", parameters, "None", lines)


def _slots(followed: Rule, train: Train) -> dict[str, str]:
    """What the class stores for every weight."""
    more = {"gradient_sum": ZEROS} if train.gradient_accumulation_steps else {}
    more |= {"average": ZEROS} if train.optimizer.use_ema else {}
    return {**followed.slots, **more}


def _numbers(followed: Rule, train: Train) -> list[str]:
    """The lines that compute the numbers of the next update."""
    values = _values(followed, train).values()
    returned = render(call("return ", [*values], brackets="[]"), WIDTH - 2 * INDENT)
    body = [*followed.before, *returned.split("\n")]
    timed, accumulated = mentions(body, "t"), train.gradient_accumulation_steps
    body = ['lr = group["lr"]', *body]
    if timed:
        every = " // self.gradient_accumulation_steps" if accumulated else ""
        body = [f't = group["steps"]{every}', *body]
    if (timed or train.optimizer.use_ema) and not accumulated:  # else `step` counts the batches
        body = ['group["steps"] += 1', *body]
    return [_GROUP, *body]


def _values(followed: Rule, train: Train) -> dict[str, str]:
    """The numbers of an update: expressions by name."""
    if train.optimizer.weight_decay is None:
        return followed.values
    (decay,) = numbers("weight_decay_numbers")
    return {**followed.values, "decay": decay}


def _update(followed: Rule, train: Train) -> list[str]:
    """The lines that move the weights by their gradients."""
    body = [*_clipping(train.optimizer), *_weight_decay(train.optimizer), *followed.lines]
    return _with_lists(body, followed.slots)


def _step(train: Train) -> list[str]:
    """The lines that take a step."""
    if in_one_update(train):
        return statements("update")
    accumulated = train.gradient_accumulation_steps
    updating = statements("update_at_every_nth" if accumulated else "update")
    return _with_lists([*updating, *_averages(train)], ("gradient_sum", "average"))


_GROUP = "(group,) = self.param_groups"


def _with_lists(body: list[str], slots: Iterable[str]) -> list[str]:
    """Statements after what they are about: the group, and its lists."""
    lists = {
        "weights": '[w for w in group["params"] if w.grad is not None]',
        "gradients": "[w.grad for w in weights]",
        **{name: f'[self.state[w]["{name}"] for w in weights]' for name in slots},
    }
    for name, value in reversed(lists.items()):
        if mentions(body, name):
            body = [f"{name} = {value}", *body]
    return [_GROUP, *body]


def _clipping(optimizer: Optimizer) -> list[str]:
    return [
        line for name in CLIPS if getattr(optimizer, name) is not None for line in statements(name)
    ]


def _weight_decay(optimizer: Optimizer) -> list[str]:
    return [] if optimizer.weight_decay is None else statements("weight_decay")


def _averages(train: Train) -> list[str]:
    """The moving averages; the first ones are the weights."""
    if not train.optimizer.use_ema:
        return []
    accumulated = bool(train.gradient_accumulation_steps)
    overwriting = statements("overwrite") if train.optimizer.ema_overwrite_frequency else []
    return [*statements("average", accumulated=accumulated), *overwriting]
