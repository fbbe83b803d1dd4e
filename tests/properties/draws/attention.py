"""Attention between two sequences."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draws, Fields, Joins, sizes

_SHARED = {"use_causal_mask": st.booleans(), "dropout": st.sampled_from([0.0, 0.0, 0.5])}


def multi_head(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    if any(len(shape) != 2 for shape in shapes):
        return None
    # Keras fails with heads of one value if there are as many heads as steps (test_found.py).
    heads = st.sampled_from(
        [count for count in (1, 2, 3, 4) if count not in {s[0] for s in shapes} - {1}]
    )
    fields = {
        "num_heads": heads,
        "key_dim": sizes(3),
        "value_dim": st.none() | sizes(3),
        "output_shape": st.none() | sizes(4),
        "use_bias": st.booleans(),
    }
    return st.fixed_dictionaries(fields | _SHARED)


def grouped_query(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    if not _alike(shapes):
        return None
    groups = st.sampled_from([(2, 1), (2, 2), (4, 2)])
    fields = {
        "head_dim": st.integers(2, 4),
        "heads": groups,
        "use_bias": st.booleans(),
        "use_gate": st.booleans(),
        "sliding_window": st.none() | st.integers(max(1, shapes[0][0] - shapes[1][0] + 1), 6),
    }
    return st.fixed_dictionaries(fields | _SHARED).map(_named_heads)


def _named_heads(fields: Fields) -> Fields:
    heads, groups = fields["heads"]
    rest = {name: value for name, value in fields.items() if name != "heads"}
    return {**rest, "num_query_heads": heads, "num_key_value_heads": groups}


def attention(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    modes = {"use_scale": st.booleans(), "score_mode": st.sampled_from(["dot", "concat"])}
    return st.fixed_dictionaries(modes | _SHARED) if _alike(shapes) else None


def additive(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    fields = {"use_scale": st.booleans()} | _SHARED
    return st.fixed_dictionaries(fields) if _alike(shapes) else None


def _alike(shapes: tuple[Shape, ...]) -> bool:
    """Whether both are sequences with equal numbers of features."""
    query, value = shapes
    return len(query) == len(value) == 2 and query[-1] == value[-1]


FIELDS: dict[str, Draws] = {}

JOINS: dict[str, Joins] = {
    "MultiHeadAttention": multi_head,
    "GroupedQueryAttention": grouped_query,
    "Attention": attention,
    "AdditiveAttention": additive,
}
