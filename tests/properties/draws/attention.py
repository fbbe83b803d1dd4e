"""Attention between two sequences."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draws, Fields, Joins, sizes

_SHARED = {"use_causal_mask": st.booleans(), "dropout": st.sampled_from([0.0, 0.0, 0.5])}


def multi_head(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    if any(len(shape) != 2 for shape in shapes):
        return None
    # Keras's fault with heads of one value, as many as there are steps; test_found.py holds it.
    heads = st.sampled_from(
        [one for one in (1, 2, 3, 4) if one not in {s[0] for s in shapes} - {1}]
    )
    fields = {
        "num_heads": heads,
        "key_dim": sizes(3),
        "value_dim": st.none() | sizes(3),
        "output_shape": st.none() | sizes(4),
        "use_bias": st.booleans(),
    }
    return st.fixed_dictionaries(fields | _SHARED)


def attention(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    modes = {"use_scale": st.booleans(), "score_mode": st.sampled_from(["dot", "concat"])}
    return st.fixed_dictionaries(modes | _SHARED) if _alike(shapes) else None


def additive(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    fields = {"use_scale": st.booleans()} | _SHARED
    return st.fixed_dictionaries(fields) if _alike(shapes) else None


def _alike(shapes: tuple[Shape, ...]) -> bool:
    """Whether both are sequences of the same features."""
    query, value = shapes
    return len(query) == len(value) == 2 and query[-1] == value[-1]


FIELDS: dict[str, Draws] = {}

JOINS: dict[str, Joins] = {
    "MultiHeadAttention": multi_head,
    "Attention": attention,
    "AdditiveAttention": additive,
}
