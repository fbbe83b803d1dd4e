"""Attention in Keras."""

from __future__ import annotations

from collections.abc import Sequence

from netspec.language.layers.attention import (
    Attending,
    GroupedQueryAttention,
    MultiHeadAttention,
    Projecting,
    Scoring,
)
from netspec_keras.lower.base import Call, applied, changed, initializers, lower


@lower.register
def _(layer: MultiHeadAttention) -> Call:
    fields = ("value_dim", "dropout", "use_bias", "output_shape")
    named = changed(layer, *fields) | initializers(layer)
    return [], {"num_heads": layer.num_heads, "key_dim": layer.key_dim, **named}


@lower.register
def _(layer: GroupedQueryAttention) -> Call:
    sizes = ("head_dim", "num_query_heads", "num_key_value_heads")
    named = changed(layer, "dropout", "use_bias", "sliding_window", "use_gate")
    return [], {name: getattr(layer, name) for name in sizes} | named | initializers(layer)


@lower.register
def _(layer: Scoring) -> Call:
    fields = [name for name in ("use_scale", "score_mode") if name in type(layer).model_fields]
    return [], changed(layer, *fields, "dropout")


@applied.register
def _(layer: Projecting, inputs: Sequence[str]) -> str:
    tensors = inputs if len(inputs) > 1 else [*inputs, *inputs]
    return ", ".join([*tensors, *_causal(layer)])


@applied.register
def _(layer: Scoring, inputs: Sequence[str]) -> str:
    return ", ".join([f"[{', '.join(inputs)}]", *_causal(layer)])


def _causal(layer: Attending) -> list[str]:
    return ["use_causal_mask=True"] if layer.use_causal_mask else []
