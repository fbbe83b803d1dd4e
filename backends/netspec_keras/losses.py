"""Writes the losses of a Keras module: Keras's own, on logits where they are cross-entropies."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.backend.emit.code import arguments, call
from netspec.checks.objectives import Objective
from netspec.language.training.losses import SparseCategoricalCrossentropy

_SMOOTHED = '''
class SmoothedSparseCategoricalCrossentropy(keras.losses.Loss):
    """Cross-entropy of class indices, a part of which is spread over all classes."""

    def __init__(self, label_smoothing):
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        labels = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )
'''


def parts(asked: Sequence[Objective]) -> tuple[str, ...]:
    """The function build_loss, and in front of it a class that it may need.

    For one output it gives a loss, for several a list of them in the order of the outputs, beside
    which LOSS_WEIGHTS holds what each counts for.
    """
    definitions = (_SMOOTHED,) if any(map(_smoothed, asked)) else ()
    logits = " on logits" if any(each.loss.probabilities for each in asked) else ""
    if len(asked) == 1:
        doc = f'    """The loss{logits}."""'
        made = call(f"    return {_class(asked[0])}", _arguments(asked[0]))
        return (
            *definitions,
            *_weights(asked),
            f"def build_loss() -> keras.losses.Loss:\n{doc}\n{made}",
        )
    doc = f'    """The loss of every output{logits and ", of cross-entropies on logits"}."""'
    lines = [call(f"        {_class(each)}", _arguments(each), ",") for each in asked]
    body = "\n".join(["    return [", *lines, "    ]"])
    head = "def build_loss() -> list[keras.losses.Loss]:"
    return *definitions, *_weights(asked), f"{head}\n{doc}\n{body}"


def _weights(asked: Sequence[Objective]) -> tuple[str, ...]:
    """What the loss of each output counts for, where that is not 1."""
    if all(each.weight == 1 for each in asked):
        return ()
    values = arguments([each.weight for each in asked], {})
    comment = "# What the loss of every output counts for."
    return (f"{comment}\n{call('LOSS_WEIGHTS = ', values, brackets='[]')}",)


def _smoothed(asked: Objective) -> bool:
    loss = asked.loss
    return isinstance(loss, SparseCategoricalCrossentropy) and loss.label_smoothing > 0


def _class(asked: Objective) -> str:
    if _smoothed(asked):
        return "SmoothedSparseCategoricalCrossentropy"
    return f"keras.losses.{type(asked.loss).__name__}"


def _arguments(asked: Objective) -> list[str]:
    loss = asked.loss
    named = loss.model_dump(exclude_defaults=True, exclude={"from_logits"})
    if _smoothed(asked):
        return arguments([named["label_smoothing"]], {})
    logits: dict[str, object] = {"from_logits": True} if loss.probabilities else {}
    return arguments([], logits | named)
