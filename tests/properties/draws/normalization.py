"""Normalization that fits after a shape."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from netspec.language.layers import Shape
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


EPSILONS = st.sampled_from([1e-3, 1e-2, 1.0])


def several(shape: Shape) -> st.SearchStrategy[list[int]]:
    return st.lists(st.sampled_from(range(-len(shape), 0)), min_size=1, unique=True)


def layer_normalizations(shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries(
        {
            "axis": several(shape),
            "epsilon": EPSILONS,
            "center": st.booleans(),
            "scale": st.booleans(),
        }
    )


@st.composite
def group_normalizations(draw: Draw, shape: Shape) -> Fields:
    axis = draw(st.sampled_from(range(-len(shape), 0)))
    counts = {
        -1: shape[axis],
        **{count: count for count in range(1, 5) if shape[axis] % count == 0},
    }
    # A group of one value is 0 except for rounding, which the next layer may amplify.
    groups = [name for name, count in counts.items() if count < prod(shape)] or [1]
    return {
        "groups": draw(st.sampled_from(groups)),
        "axis": axis,
        "epsilon": draw(EPSILONS),
        "center": draw(st.booleans()),
        "scale": draw(st.booleans()),
    }


def rms_normalizations(shape: Shape) -> st.SearchStrategy[Fields]:
    axes = st.sampled_from([[*range(-count, 0)] for count in range(1, len(shape) + 1)])
    return st.fixed_dictionaries({"axis": axes, "epsilon": EPSILONS})


FIELDS: dict[str, Draws] = {
    "BatchNormalization": batch_normalizations,
    "LayerNormalization": layer_normalizations,
    "GroupNormalization": group_normalizations,
    "RMSNormalization": rms_normalizations,
    "UnitNormalization": lambda shape: st.fixed_dictionaries({"axis": several(shape)}),
}
