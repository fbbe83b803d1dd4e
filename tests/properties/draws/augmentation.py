"""Augmentation of images."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draws, Fields, spatial

FACTORS = st.sampled_from([0.0, 0.3, [-0.5, 0.2]])
OUTSIDE = {
    "fill_mode": st.sampled_from(["reflect", "wrap", "constant", "nearest"]),
    "interpolation": st.sampled_from(["bilinear", "nearest"]),
}


def moved(**factors: st.SearchStrategy[Fields]) -> Draws:
    return spatial(2, lambda _: st.fixed_dictionaries({**factors, **OUTSIDE}))


def flips(_shape: Shape) -> st.SearchStrategy[Fields]:
    modes = st.sampled_from(["horizontal", "vertical", "horizontal_and_vertical"])
    return st.fixed_dictionaries({"mode": modes})


FIELDS: dict[str, Draws] = {
    "RandomFlip": spatial(2, flips),
    "RandomTranslation": moved(height_factor=FACTORS, width_factor=FACTORS),
    "RandomRotation": moved(factor=FACTORS),
    "RandomZoom": moved(height_factor=FACTORS, width_factor=st.none() | FACTORS),
}
