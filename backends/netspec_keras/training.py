"""Writes the training of a Keras module: its optimizer and its loss."""

from __future__ import annotations

from netspec.code import arguments, call
from netspec.spec import Adam, Optimizer, Sgd, Train


def parts(train: Train) -> tuple[str, str]:
    """The functions build_optimizer and build_loss."""
    name, named = _optimizer(train.optimizer)
    optimizer = call(f"    return keras.optimizers.{name}", arguments([], named))
    loss = call(
        "    return keras.losses.SparseCategoricalCrossentropy",
        arguments([], {"from_logits": True}),
    )
    return (
        f"def build_optimizer() -> keras.optimizers.Optimizer:\n{optimizer}",
        f'def build_loss() -> keras.losses.Loss:\n    """The loss on logits."""\n{loss}',
    )


def _optimizer(optimizer: Optimizer) -> tuple[str, dict[str, object]]:
    changed = optimizer.model_dump(exclude_defaults=True)
    named = {"learning_rate": optimizer.learning_rate, **changed}
    match optimizer:
        case Adam():
            return "Adam", named
        case Sgd():
            return "SGD", named
