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
from netspec_torch.lower.base import Lowered, Part, lower_layer

_PROJECTION = Part(
    "Projection",
    '''
class Projection(nn.Module):
    """A Dense from the last axes, of the sizes `inputs`, to axes of the sizes `outputs`."""

    def __init__(
        self, inputs: tuple[int, ...], outputs: tuple[int, ...], use_bias: bool = True
    ) -> None:
        super().__init__()
        self.axes = len(inputs)
        self.outputs = outputs
        self.kernel = nn.Parameter(torch.empty(*inputs, *outputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if use_bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(-self.axes)
        kernel = self.kernel.reshape(x.shape[-1], -1)
        bias = None if self.bias is None else self.bias.flatten()
        return F.linear(x, kernel.T, bias).unflatten(-1, self.outputs)
''',
)

_MULTI_HEAD_ATTENTION = Part(
    "MultiHeadAttention",
    '''
class MultiHeadAttention(nn.Module):
    """Keras's multi-head attention, of sequences (batch, steps, features)."""

    def __init__(
        self,
        query: int,
        value: int,
        key: int,
        output: int,
        num_heads: int,
        key_dim: int,
        value_dim: int,
        use_bias: bool = True,
        dropout: float = 0.0,
        use_causal_mask: bool = False,
    ) -> None:
        super().__init__()
        self.query = Projection((query,), (num_heads, key_dim), use_bias)
        self.key = Projection((key,), (num_heads, key_dim), use_bias)
        self.value = Projection((value,), (num_heads, value_dim), use_bias)
        self.attention_output = Projection((num_heads, value_dim), (output,), use_bias)
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        y = F.scaled_dot_product_attention(
            self.query(query).transpose(1, 2),
            self.key(key).transpose(1, 2),
            self.value(value).transpose(1, 2),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask,
        )
        return self.attention_output(y.transpose(1, 2))
''',
    needs=(_PROJECTION,),
)

_GROUPED_QUERY_ATTENTION = Part(
    "GroupedQueryAttention",
    '''
class GroupedQueryAttention(nn.Module):
    """Keras's grouped-query attention, of sequences (batch, steps, features)."""

    def __init__(
        self,
        query: int,
        value: int,
        key: int,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        use_bias: bool = True,
        dropout: float = 0.0,
        use_causal_mask: bool = False,
        sliding_window: int | None = None,
        use_gate: bool = False,
    ) -> None:
        super().__init__()
        heads, groups = (num_query_heads, head_dim), (num_key_value_heads, head_dim)
        self.query = Projection((query,), heads, use_bias)
        self.key = Projection((key,), groups, use_bias)
        self.gate = Projection((query,), heads, use_bias) if use_gate else None
        self.value = Projection((value,), groups, use_bias)
        self.attention_output = Projection(heads, (query,), use_bias)
        self.group_size = num_query_heads // num_key_value_heads
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask
        self.sliding_window = sliding_window

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        y = F.scaled_dot_product_attention(
            self.query(query).transpose(1, 2),
            self.key(key).transpose(1, 2).repeat_interleave(self.group_size, 1),
            self.value(value).transpose(1, 2).repeat_interleave(self.group_size, 1),
            attn_mask=self.seen(query, value),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask and self.sliding_window is None,
        ).transpose(1, 2)
        if self.gate is not None:
            y = y * torch.sigmoid(self.gate(query))
        return self.attention_output(y)

    def seen(self, query: Tensor, value: Tensor) -> Tensor | None:
        """Which steps are seen through the sliding window (queries, values)."""
        if self.sliding_window is None:
            return None
        reach = self.sliding_window - 1
        every = query.new_ones(query.shape[1], value.shape[1], dtype=torch.bool)
        return every.triu(-reach).tril(0 if self.use_causal_mask else reach)
''',
    needs=(_PROJECTION,),
)

_ATTEND = Part(
    "attend",
    '''
def attend(scores: Tensor, value: Tensor, dropout: float, use_causal_mask: bool) -> Tensor:
    """The mean of the values, weighted by the softmax of the scores (batch, queries, values)."""
    if use_causal_mask:
        later = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return F.dropout(torch.softmax(scores, -1), dropout) @ value
''',
)

_ATTENTION = Part(
    "Attention",
    '''
class Attention(nn.Module):
    """Keras's attention by the product of queries and keys."""

    def __init__(
        self, use_scale: bool = False, dropout: float = 0.0, use_causal_mask: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(())) if use_scale else None
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(
            query if self.scale is None else query * self.scale,
            key,
            value,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask,
            scale=1.0,
        )
''',
)

_CONCAT_ATTENTION = Part(
    "ConcatAttention",
    '''
class ConcatAttention(nn.Module):
    """Keras's attention by the sum of queries and keys."""

    def __init__(
        self, use_scale: bool = False, dropout: float = 0.0, use_causal_mask: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(())) if use_scale else None
        self.concat_score_weight = nn.Parameter(torch.empty(()))
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        sums = query[:, :, None] + key[:, None]
        scaled = sums if self.scale is None else self.scale * sums
        scores = self.concat_score_weight * torch.tanh(scaled).sum(-1)
        return attend(scores, value, self.dropout * self.training, self.use_causal_mask)
''',
    needs=(_ATTEND,),
)

_ADDITIVE_ATTENTION = Part(
    "AdditiveAttention",
    '''
class AdditiveAttention(nn.Module):
    """Keras's additive attention; `size` is that of the scale, 0 for none."""

    def __init__(self, size: int, dropout: float = 0.0, use_causal_mask: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(size)) if size else None
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        terms = torch.tanh(query[:, :, None] + key[:, None])
        scores = terms.sum(-1) if self.scale is None else terms @ self.scale
        return attend(scores, value, self.dropout * self.training, self.use_causal_mask)
''',
    needs=(_ATTEND,),
)

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
    made = arguments([], {**sizes, **heads, **options})
    return Lowered(_called(node, x), "MultiHeadAttention", made, (_MULTI_HEAD_ATTENTION,))


@lower_layer.register
def _(layer: GroupedQueryAttention, node: Node, *x: str) -> Lowered:
    query, value, key = (shape[-1] for shape in layer.roles(node.input_shapes))
    sizes = {"query": query, "value": value, "key": key, "head_dim": layer.head_dim}
    sizes["num_query_heads"] = layer.num_query_heads
    sizes["num_key_value_heads"] = layer.num_key_value_heads
    fields = ("use_bias", "dropout", "use_causal_mask", "sliding_window", "use_gate")
    made = arguments([], {**sizes, **_options(layer, *fields)})
    return Lowered(_called(node, x), "GroupedQueryAttention", made, (_GROUPED_QUERY_ATTENTION,))


@lower_layer.register
def _(layer: Attention, node: Node, *x: str) -> Lowered:
    part = _ATTENTION if layer.score_mode == "dot" else _CONCAT_ATTENTION
    made = arguments([], _options(layer, "use_scale", "dropout", "use_causal_mask"))
    return Lowered(_called(node, x), part.name, made, (part,))


@lower_layer.register
def _(layer: AdditiveAttention, node: Node, *x: str) -> Lowered:
    size = node.input_shape[-1] if layer.use_scale else 0
    made = arguments([size], _options(layer, "dropout", "use_causal_mask"))
    return Lowered(_called(node, x), "AdditiveAttention", made, (_ADDITIVE_ATTENTION,))


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
