"""Attention with every option that changes its values."""

from __future__ import annotations

from netspec.language.layers import Shape
from netspec.testing.cases.base import Case, each, joined

# Unlike steps and features, so that no two axes can be taken for each other.
QUERY, VALUE, KEY = (3, 4), (5, 6), (5, 2)


def attending(tag: str, fields: str, *shapes: Shape) -> Case:
    """A case of one layer that reads query, value and maybe key."""
    inputs: dict[str, Shape] = dict(zip(("query", "value", "key"), shapes, strict=False))
    return joined(
        inputs, f"{tag}: {{{fields}{', ' if fields else ''}inputs: [{', '.join(inputs)}]}}"
    )


CASES: dict[str, tuple[Case, ...]] = {
    "MultiHeadAttention": (
        *each(
            "MultiHeadAttention",
            (4, 6),
            "num_heads: 2, key_dim: 3",
            "num_heads: 1, key_dim: 2, value_dim: 5, use_bias: false",
            "num_heads: 3, key_dim: 2, output_shape: 4, use_causal_mask: true",
            "num_heads: 2, key_dim: 3, dropout: 0.3, use_causal_mask: true",
        ),
        attending("MultiHeadAttention", "num_heads: 2, key_dim: 3, value_dim: 4", QUERY, VALUE),
        attending("MultiHeadAttention", "num_heads: 2, key_dim: 3", QUERY, VALUE, KEY),
        attending(
            "MultiHeadAttention", "num_heads: 1, key_dim: 2, use_causal_mask: true", VALUE, QUERY
        ),
    ),
    "GroupedQueryAttention": (
        *each(
            "GroupedQueryAttention",
            (4, 6),
            "head_dim: 3, num_query_heads: 4, num_key_value_heads: 2",
            "head_dim: 2, num_query_heads: 3, num_key_value_heads: 1, use_bias: false",
            "head_dim: 2, num_query_heads: 2, num_key_value_heads: 2, use_causal_mask: true",
            "head_dim: 2, num_query_heads: 4, num_key_value_heads: 2, use_gate: true",
            "head_dim: 2, num_query_heads: 2, num_key_value_heads: 1, sliding_window: 2",
            "head_dim: 2, num_query_heads: 4, num_key_value_heads: 2, dropout: 0.3, use_gate: true",
        ),
        attending(
            "GroupedQueryAttention",
            "head_dim: 3, num_query_heads: 4, num_key_value_heads: 2, sliding_window: 2, "
            "use_causal_mask: true, use_gate: true",
            QUERY,
            (5, 4),
            KEY,
        ),
    ),
    "Attention": (
        attending("Attention", "", QUERY, (5, 4)),
        attending("Attention", "use_scale: true", QUERY, VALUE, (5, 4)),
        attending("Attention", "score_mode: concat", QUERY, VALUE, (5, 4)),
        attending("Attention", "score_mode: concat, use_scale: true", QUERY, (5, 4)),
        attending("Attention", "use_causal_mask: true", QUERY, (5, 4)),
        attending("Attention", "score_mode: concat, use_causal_mask: true", (5, 4), QUERY),
        attending("Attention", "dropout: 0.5", QUERY, (5, 4)),
    ),
    "AdditiveAttention": (
        attending("AdditiveAttention", "", QUERY, VALUE, (5, 4)),
        attending("AdditiveAttention", "use_scale: false, use_causal_mask: true", QUERY, (5, 4)),
        attending("AdditiveAttention", "dropout: 0.5", QUERY, (5, 4)),
    ),
}
