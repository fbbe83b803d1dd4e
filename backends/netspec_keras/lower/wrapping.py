"""Layers around a layer, in Keras."""

from __future__ import annotations

from netspec.backend.emit.code import Code, arguments
from netspec.language.layers.wrapping import Bidirectional, TimeDistributed
from netspec_keras.lower.base import Call, changed, lower, trained


@lower.register
def _(layer: Bidirectional) -> Call:
    return [_inner(layer)], changed(layer, "merge_mode")


@lower.register
def _(layer: TimeDistributed) -> Call:
    return [_inner(layer)], {}


def _inner(layer: Bidirectional | TimeDistributed) -> Code:
    """The call that makes the layer inside.

    Keras 3.15 trains the weights of a layer inside one that is made with `trainable=False`, so the
    inner one is made so as well.
    """
    inner = layer.layer.model_copy(update={"trainable": layer.trainable})
    positional, named = lower(inner)
    return Code(f"layers.{inner.tag}({', '.join(arguments(positional, named | trained(inner)))})")
