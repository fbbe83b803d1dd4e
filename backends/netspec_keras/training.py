"""Writes the training of a Keras module: its optimizer and its loss."""

from __future__ import annotations

from netspec.code import arguments, call
from netspec.optimizers import Optimizer, Sgd
from netspec.spec import Train


def parts(train: Train) -> tuple[str, str]:
    """The functions build_optimizer and build_loss."""
    optimizer = call(
        f"    return keras.optimizers.{class_name(train.optimizer)}",
        arguments([], _arguments(train)),
    )
    loss = call(
        "    return keras.losses.SparseCategoricalCrossentropy",
        arguments([], {"from_logits": True}),
    )
    return (
        f"def build_optimizer() -> keras.optimizers.Optimizer:\n{optimizer}",
        f'def build_loss() -> keras.losses.Loss:\n    """The loss on logits."""\n{loss}',
    )


def class_name(optimizer: Optimizer) -> str:
    """Keras's class."""
    return "SGD" if isinstance(optimizer, Sgd) else type(optimizer).__name__


def _arguments(train: Train) -> dict[str, object]:
    rate = train.optimizer.learning_rate
    named: dict[str, object] = {"learning_rate": rate if isinstance(rate, float) else rate.first}
    named |= train.optimizer.model_dump(exclude_defaults=True, exclude={"learning_rate"})
    if train.gradient_accumulation_steps:
        named["gradient_accumulation_steps"] = train.gradient_accumulation_steps
    return named
