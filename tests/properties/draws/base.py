"""The common parts of drawing random fields.

A family of layers has a module here with `FIELDS`. For each layer it has a function from the shape of
the input to a strategy of valid fields, or to None where the layer cannot take that shape. Layers of
several inputs are in `JOINS`, whose functions take the shapes of all inputs. `by_declaration` draws a
layer without required fields that is in no module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, TypeAlias, get_args, get_origin

from hypothesis import strategies as st

from netspec.language.layers import Layer, LayerFault, Shape
from netspec.testing.cases.base import ACTIVATIONS

Fields: TypeAlias = dict[str, Any]  # Any: the values of a layer's fields, as YAML has them
Draw: TypeAlias = Callable[[st.SearchStrategy[Any]], Any]  # Any: hypothesis's own
Draws: TypeAlias = Callable[[Shape], st.SearchStrategy[Fields] | None]
Joins: TypeAlias = Callable[[tuple[Shape, ...]], st.SearchStrategy[Fields] | None]


WHOLE = 6
"""Inputs of whole numbers, such as indices, are below this number."""


def sizes(largest: int) -> st.SearchStrategy[int]:
    return st.integers(1, largest)


def axis_sizes(*largest: int) -> st.SearchStrategy[tuple[int, ...]]:
    """A size from 1 to the largest, for each axis."""
    return st.tuples(*map(sizes, largest))


def activations() -> st.SearchStrategy[Fields]:
    return st.sampled_from([{"activation": name} for name in ACTIVATIONS])


def window(draw: Draw, space: Shape, largest: int = 4) -> tuple[tuple[int, ...], str]:
    """The size and padding of a window that fits into the spatial axes."""
    padding = draw(st.sampled_from(["valid", "same"]))
    room = (largest if padding == "same" else min(largest, size) for size in space)
    return draw(axis_sizes(*room)), padding


def spatial(rank: int, draws: Draws) -> Draws:
    """The draws for tensors of `rank` spatial axes and channels, and None for other tensors."""
    return lambda shape: draws(shape) if len(shape) == rank + 1 else None


def by_declaration(layer: type[Layer]) -> Joins:
    """The draws that follow from the class: boolean fields, and choices of words.

    Other fields keep their defaults. The layer's shape inference decides which shapes are valid.
    """
    choices: dict[str, st.SearchStrategy[Any]] = {}
    for name, field in layer.model_fields.items():
        if name not in Layer.model_fields and field.annotation is bool:
            choices[name] = st.booleans()
        elif get_origin(field.annotation) is Literal:
            choices[name] = st.sampled_from(get_args(field.annotation))

    def draws(shapes: tuple[Shape, ...]) -> st.SearchStrategy[Fields] | None:
        try:
            layer().infer_shape(shapes)
        except LayerFault:
            return None
        return st.fixed_dictionaries(choices)

    return draws


def needs_no_field(layer: type[Layer]) -> bool:
    return not any(field.is_required() for field in layer.model_fields.values())
