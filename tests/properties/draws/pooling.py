"""Pooling that fits after a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draw, Draws, Fields, axis_sizes, spatial, window


@st.composite
def pools(draw: Draw, shape: Shape) -> Fields:
    size, padding = window(draw, shape[:-1])
    strides = draw(st.none() | axis_sizes(*(3 for _ in size)))
    return {"pool_size": size, "padding": padding, "strides": strides}


def global_pools(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"keepdims": st.booleans()})


FIELDS: dict[str, Draws] = {
    "MaxPooling1D": spatial(1, pools),
    "MaxPooling2D": spatial(2, pools),
    "MaxPooling3D": spatial(3, pools),
    "AveragePooling1D": spatial(1, pools),
    "AveragePooling2D": spatial(2, pools),
    "AveragePooling3D": spatial(3, pools),
    "GlobalMaxPooling1D": spatial(1, global_pools),
    "GlobalMaxPooling2D": spatial(2, global_pools),
    "GlobalMaxPooling3D": spatial(3, global_pools),
    "GlobalAveragePooling1D": spatial(1, global_pools),
    "GlobalAveragePooling2D": spatial(2, global_pools),
    "GlobalAveragePooling3D": spatial(3, global_pools),
}
