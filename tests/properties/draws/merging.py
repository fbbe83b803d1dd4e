"""Merging of shapes that fit each other."""

from __future__ import annotations

from itertools import product
from math import prod

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import Draws, Fields, Joins

LARGEST_RANK = 4


def fits(shapes: tuple[Shape, ...]) -> bool:
    first, second = shapes
    return len(first) == len(second) and all(
        size == other_size or 1 in (size, other_size)
        for size, other_size in zip(first, second, strict=True)
    )


def sums(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    # Keras 3.15 treats a batch of single values as a bias if it has as many values as channels.
    return st.just({}) if fits(shapes) and prod(shapes[1]) > 1 else None


def concatenations(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    first, second = shapes
    axes = [
        number
        for axis in range(len(first))
        if len(first) == len(second)
        and first[:axis] + first[axis + 1 :] == second[:axis] + second[axis + 1 :]
        for number in (axis + 1, axis - len(first))
    ]
    return st.fixed_dictionaries({"axis": st.sampled_from(axes)}) if axes else None


def dots(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
    # Not normalized: Keras's gradient of a vector of zeros is not a number.
    first, second = shapes
    axes = [
        (axis + 1, other_axis - len(second))
        for axis, other_axis in product(range(len(first)), range(len(second)))
        if first[axis] == second[other_axis] and len(first) + len(second) - 2 <= LARGEST_RANK
    ]
    return st.fixed_dictionaries({"axes": st.sampled_from(axes)}) if axes else None


FIELDS: dict[str, Draws] = {}

JOINS: dict[str, Joins] = {
    "Add": sums,
    "Average": sums,
    "Concatenate": concatenations,
    "Dot": dots,
}
