"""Attention in PyTorch, on its scaled_dot_product_attention where that fits."""

from __future__ import annotations

from netspec.backend.emit.code import arguments
from netspec.graph import Node
from netspec.language.layers.attention import (
    AdditiveAttention,
    Attention,
    GroupedQueryAttention,
    MultiHeadAttention,
)
from netspec_torch.lower.base import Lowered, lower_layer

_DEFAULTS = {
    "use_bias": True,
    "use_scale": False,
    "dropout": 0.0,
    "use_causal_mask": False,
    "sliding_window": None,
    "use_gate": False,
}


@lower_layer.register
def _(layer: MultiHeadAttention, node: Node, *x: str) -> Lowered:
    query, value, key = (shape[-1] for shape in layer.roles(node.input_shapes))
    sizes = {"query": query, "value": value, "key": key, "output": node.shape[-1]}
    heads = {"num_heads": layer.num_heads, "key_dim": layer.key_dim, "value_dim": layer.value_size}
    options = _options(layer, "use_bias", "dropout", "use_causal_mask")
    call_arguments = arguments([], {**sizes, **heads, **options})
    return Lowered(_called(node, x), "MultiHeadAttention", call_arguments, ("MultiHeadAttention",))


@lower_layer.register
def _(layer: GroupedQueryAttention, node: Node, *x: str) -> Lowered:
    query, value, key = (shape[-1] for shape in layer.roles(node.input_shapes))
    sizes = {"query": query, "value": value, "key": key, "head_dim": layer.head_dim}
    sizes["num_query_heads"] = layer.num_query_heads
    sizes["num_key_value_heads"] = layer.num_key_value_heads
    fields = ("use_bias", "dropout", "use_causal_mask", "sliding_window", "use_gate")
    call_arguments = arguments([], {**sizes, **_options(layer, *fields)})
    return Lowered(
        _called(node, x), "GroupedQueryAttention", call_arguments, ("GroupedQueryAttention",)
    )


@lower_layer.register
def _(layer: Attention, node: Node, *x: str) -> Lowered:
    name = "Attention" if layer.score_mode == "dot" else "ConcatAttention"
    call_arguments = arguments([], _options(layer, "use_scale", "dropout", "use_causal_mask"))
    return Lowered(_called(node, x), name, call_arguments, (name,))


@lower_layer.register
def _(layer: AdditiveAttention, node: Node, *x: str) -> Lowered:
    size = node.input_shape[-1] if layer.use_scale else 0
    call_arguments = arguments([size], _options(layer, "dropout", "use_causal_mask"))
    return Lowered(_called(node, x), "AdditiveAttention", call_arguments, ("AdditiveAttention",))


def _options(layer: object, *names: str) -> dict[str, object]:
    """The fields that are not at their defaults."""
    values = {name: getattr(layer, name) for name in names}
    return {name: value for name, value in values.items() if value != _DEFAULTS[name]}


def _called(node: Node, x: tuple[str, ...]) -> str:
    """The call of the module with query, value and key."""
    query, *others = x
    value = others[0] if others else query
    key = others[1] if len(others) > 1 else value
    return f"self.{node.name}({query}, {value}, {key})"
