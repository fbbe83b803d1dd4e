"""Regularization that fits behind a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.layers import Shape
from properties.draws.base import Draw, Draws, Fields


@st.composite
def dropouts(draw: Draw, shape: Shape) -> Fields:
    rate = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    kept = st.tuples(*(st.sampled_from([None, 1, size]) for size in shape))
    return {"rate": rate, "noise_shape": draw(st.none() | kept)}


FIELDS: dict[str, Draws] = {"Dropout": dropouts}
