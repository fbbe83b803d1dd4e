"""Preprocessing of values, with fields that fit after a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draw, Draws, Fields, sizes, spatial

NUMBERS = st.sampled_from([-1.5, 0.0, 0.25, 1.0, 2.0])
VARIANCES = st.sampled_from([0.25, 1.0, 3.0])


def numbers(of: st.SearchStrategy[float], count: int) -> st.SearchStrategy[float | list[float]]:
    return of | st.lists(of, min_size=count, max_size=count)


def rescalings(shape: Shape) -> st.SearchStrategy[Fields]:
    values = numbers(NUMBERS, shape[-1])
    return st.fixed_dictionaries({"scale": values, "offset": values})


@st.composite
def normalizations(draw: Draw, shape: Shape) -> Fields:
    axes = draw(st.lists(st.integers(1, len(shape)), max_size=len(shape), unique=True))
    count = shape[max(axes) - 1] if axes and draw(st.booleans()) else 1
    return {
        "axis": axes or None,
        "mean": draw(st.lists(NUMBERS, min_size=count, max_size=count)),
        "variance": draw(st.lists(VARIANCES, min_size=count, max_size=count)),
        "invert": draw(st.booleans()),
    }


def crops(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"height": sizes(9), "width": sizes(9)})


@st.composite
def resizings(draw: Draw, shape: Shape) -> Fields:
    proportions = st.sampled_from([(False, False), (True, False), (False, True)])
    crop, pad = draw(proportions)
    return {
        **draw(crops(shape)),
        "interpolation": draw(st.sampled_from(["bilinear", "nearest"])),
        "crop_to_aspect_ratio": crop,
        "pad_to_aspect_ratio": pad,
        "fill_value": draw(NUMBERS),
    }


FIELDS: dict[str, Draws] = {
    "Rescaling": rescalings,
    "Normalization": normalizations,
    "CenterCrop": spatial(2, crops),
    "Resizing": spatial(2, resizings),
}
