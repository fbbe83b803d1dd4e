"""Merging with every option that changes its values."""

from __future__ import annotations

from collections.abc import Iterator

from netspec.language.layers import Shape
from netspec.testing.cases.base import Case, joined


def merged(tag: str, *shapes: Shape, fields: str = "") -> Case:
    """A case of one layer that joins inputs of these shapes."""
    inputs = {f"input_{number}": shape for number, shape in enumerate(shapes, start=1)}
    read = f"inputs: [{', '.join(inputs)}]"
    return joined(inputs, f"{tag}: {{{f'{fields}, ' if fields else ''}{read}}}")


def elementwise(tag: str) -> Iterator[Case]:
    """Inputs of equal shapes, of shapes that are broadcast, and one input twice."""
    yield merged(tag, (4, 5, 3), (4, 5, 3))
    yield merged(tag, (4, 5, 3), (1, 1, 3))
    yield merged(tag, (1, 5), (4, 1))
    if tag != "Subtract":
        yield merged(tag, (5,), (5,), (1,))


CASES: dict[str, tuple[Case, ...]] = {
    "Add": tuple(elementwise("Add")),
    "Subtract": tuple(elementwise("Subtract")),
    "Multiply": tuple(elementwise("Multiply")),
    "Average": tuple(elementwise("Average")),
    "Maximum": tuple(elementwise("Maximum")),
    "Minimum": tuple(elementwise("Minimum")),
    "Concatenate": (
        merged("Concatenate", (4, 5, 3), (4, 5, 2), (4, 5, 1)),
        merged("Concatenate", (4, 5, 3), (2, 5, 3), fields="axis: 1"),
        merged("Concatenate", (4, 5, 3), (4, 1, 3), fields="axis: -2"),
        merged("Concatenate", (4,), (1,)),
    ),
    "Dot": (
        merged("Dot", (4,), (4,), fields="axes: 1"),
        merged("Dot", (4,), (4,), fields="axes: -1, normalize: true"),
        merged("Dot", (4, 3), (5, 3), fields="axes: -1, normalize: true"),
        merged("Dot", (4, 3), (5, 4), fields="axes: [1, 2]"),
        merged("Dot", (3,), (5, 3), fields="axes: [1, -1]"),
        merged("Dot", (4, 3), (4,), fields="axes: 1"),
        merged("Dot", (2, 4, 3), (4, 2, 3), fields="axes: [2, 1], normalize: true"),
    ),
}
