"""Regularization that fits after a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draw, Draws, Fields, spatial


@st.composite
def dropouts(draw: Draw, shape: Shape) -> Fields:
    rate = draw(st.sampled_from([0.0, 0.1, 0.5, 0.9]))
    shapes = st.tuples(*(st.sampled_from([None, 1, size]) for size in shape))
    return {"rate": rate, "noise_shape": draw(st.none() | shapes)}


def rates(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"rate": st.sampled_from([0.0, 0.5])})


def noises(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"stddev": st.sampled_from([0.0, 0.5])})


FIELDS: dict[str, Draws] = {
    "Dropout": dropouts,
    "SpatialDropout1D": spatial(1, rates),
    "SpatialDropout2D": spatial(2, rates),
    "SpatialDropout3D": spatial(3, rates),
    "GaussianNoise": noises,
    "GaussianDropout": rates,
}
