"""Pooling that fits behind a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.layers import Shape
from properties.draws.base import Draw, Draws, Fields, each, spatial, window


@st.composite
def pools(draw: Draw, shape: Shape) -> Fields:
    size, padding = window(draw, shape[:-1])
    strides = draw(st.none() | each(*(3 for _ in size)))
    return {"pool_size": size, "padding": padding, "strides": strides}


def global_pools(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"keepdims": st.booleans()})


FIELDS: dict[str, Draws] = {
    "MaxPooling2D": spatial(2, pools),
    "AveragePooling2D": spatial(2, pools),
    "GlobalAveragePooling2D": spatial(2, global_pools),
}
