"""Attention in PyTorch, by Keras's formulas."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


def attend(scores: Tensor, value: Tensor, dropout: float, use_causal_mask: bool) -> Tensor:
    """The mean of the values, weighted by the softmax of the scores (batch, queries, values)."""
    if use_causal_mask:
        later = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return F.dropout(torch.softmax(scores, -1), dropout) @ value


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


class AdditiveAttention(nn.Module):
    """Keras's additive attention; `size` is the size of the scale, 0 for none."""

    def __init__(self, size: int, dropout: float = 0.0, use_causal_mask: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(size)) if size else None
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        terms = torch.tanh(query[:, :, None] + key[:, None])
        scores = terms.sum(-1) if self.scale is None else terms @ self.scale
        return attend(scores, value, self.dropout * self.training, self.use_causal_mask)
