"""Normalization that fits behind a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.layers import Shape
from properties.draws.base import Draw, Draws, Fields


@st.composite
def batch_normalizations(draw: Draw, shape: Shape) -> Fields:
    axes = [axis for axis in range(-len(shape), len(shape) + 1) if axis != 0]
    return {
        "axis": draw(st.sampled_from(axes)),
        "momentum": draw(st.sampled_from([0.0, 0.6, 0.99, 1.0])),
        "epsilon": draw(st.sampled_from([1e-3, 1e-2, 1.0])),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
    }


FIELDS: dict[str, Draws] = {"BatchNormalization": batch_normalizations}
