"""Layers that move values, with fields that fit after a shape."""

from __future__ import annotations

from math import prod

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draw, Draws, Fields, axis_sizes, sizes, spatial


@st.composite
def reshapes(draw: Draw, shape: Shape) -> Fields:
    """Up to four axes with the size of the shape."""
    rest, target = prod(shape), list[int]()
    for _ in range(draw(st.integers(0, 3))):
        size = draw(
            st.sampled_from([divisor for divisor in range(1, rest + 1) if rest % divisor == 0])
        )
        target.append(size)
        rest //= size
    target.append(rest)
    if draw(st.booleans()):
        target[draw(st.integers(0, len(target) - 1))] = -1
    return {"target_shape": target}


def permutations(shape: Shape) -> st.SearchStrategy[Fields]:
    axes = st.permutations(range(1, len(shape) + 1))
    return st.fixed_dictionaries({"dims": axes})


def repetitions(shape: Shape) -> st.SearchStrategy[Fields] | None:
    return st.fixed_dictionaries({"n": sizes(4)}) if len(shape) == 1 else None


def paddings(shape: Shape) -> st.SearchStrategy[Fields]:
    sides = [st.tuples(st.integers(0, 2), st.integers(0, 2)) for _ in shape[:-1]]
    return st.fixed_dictionaries({"padding": sides[0] if len(sides) == 1 else st.tuples(*sides)})


@st.composite
def croppings(draw: Draw, shape: Shape) -> Fields:
    sides: list[tuple[int, int]] = []
    for size in shape[:-1]:
        before = draw(st.integers(0, min(2, size - 1)))
        sides.append((before, draw(st.integers(0, min(2, size - 1 - before)))))
    return {"cropping": sides[0] if len(sides) == 1 else sides}


def factors(shape: Shape) -> st.SearchStrategy[Fields]:
    size = sizes(3) if len(shape) == 2 else axis_sizes(*(3 for _ in shape[:-1]))
    return st.fixed_dictionaries({"size": size})


def interpolations(shape: Shape) -> st.SearchStrategy[Fields]:
    modes = st.sampled_from(["nearest", "bilinear"])
    return st.builds(lambda size, mode: {**size, "interpolation": mode}, factors(shape), modes)


FIELDS: dict[str, Draws] = {
    "Reshape": reshapes,
    "Permute": permutations,
    "RepeatVector": repetitions,
    "ZeroPadding1D": spatial(1, paddings),
    "ZeroPadding2D": spatial(2, paddings),
    "ZeroPadding3D": spatial(3, paddings),
    "Cropping1D": spatial(1, croppings),
    "Cropping2D": spatial(2, croppings),
    "Cropping3D": spatial(3, croppings),
    "UpSampling1D": spatial(1, factors),
    "UpSampling2D": spatial(2, interpolations),
    "UpSampling3D": spatial(3, factors),
}
