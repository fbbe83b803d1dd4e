"""The losses of a Keras module: Keras's own, on logits where they are cross-entropies."""

from __future__ import annotations

from netspec.backend.emit.code import arguments
from netspec.checks.objectives import Objective
from netspec.language.training.losses import SparseCategoricalCrossentropy


def loss_call(objective: Objective) -> tuple[str, list[str]]:
    """The class of an output's loss, and its arguments; a class without a dot is in the module."""
    loss = objective.loss
    named = loss.model_dump(exclude_defaults=True, exclude={"from_logits"})
    if isinstance(loss, SparseCategoricalCrossentropy) and loss.label_smoothing > 0:
        values = [loss.label_smoothing]
        if loss.ignore_class is None:
            return "SmoothedSparseCategoricalCrossentropy", arguments(values, {})
        values = [*values, loss.ignore_class]
        return "MaskedSmoothedSparseCategoricalCrossentropy", arguments(values, {})
    logits = {"from_logits": True} if loss.probabilities else {}
    return f"keras.losses.{type(loss).__name__}", arguments([], logits | named)
