"""Merging: several tensors in one."""

from __future__ import annotations

from math import prod
from typing import Annotated, ClassVar, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.layers.base import (
    Extents,
    InputCount,
    Kept,
    Layer,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    axis_index,
    whole,
    written,
)
from netspec.language.remedies import unexpected

_NAME_THEM = "name them, as in `inputs: [left, right]`"
AT_LEAST_TWO = InputCount("at least two inputs", 2, None, _NAME_THEM)
TWO = InputCount("two inputs", 2, 2, _NAME_THEM)


class Merge(Layer):
    """A layer of several inputs and no weights."""

    linear: ClassVar[bool] = False
    """Whether it only adds or moves values, so that the backward pass needs none of them."""

    takes = AT_LEAST_TWO

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(inputs=not self.linear)

    def unfit(self, first: Shape, second: Shape, help: str) -> LayerFault:
        """The fault of two inputs of which the layer cannot make one."""
        message = f"{self.tag} cannot join inputs of {written(first)} and {written(second)}"
        return LayerFault(message, help, self.inputs_field)


class Elementwise(Merge):
    """A function of the values at the same position of every input.

    An axis of size 1 is repeated to the size that it has in the others.
    """

    def infer_shape(self, inputs: Shapes) -> Shape:
        joined = inputs[0]
        for shape in inputs[1:]:
            if not _fits(joined, shape):
                other = next(candidate for candidate in inputs if not _fits(candidate, shape))
                help = "every axis must have the same size in both, or size 1 in one of them"
                raise self.unfit(other, shape, help)
            joined = tuple(map(max, joined, shape))
        return joined

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        # Along an axis of 1, which is repeated, there is no less to read.
        return tuple(
            tuple(
                (0, 1) if size == 1 else interval
                for size, interval in zip(shape, part, strict=True)
            )
            for shape in inputs
        )


def _fits(first: Shape, second: Shape) -> bool:
    return len(first) == len(second) and all(
        size == other_size or 1 in (size, other_size)
        for size, other_size in zip(first, second, strict=True)
    )


class Add(Elementwise):
    """The sum of the inputs.

    y = x1 + x2 + … Inputs (…), output (…).
    """

    tag = "Add"
    keeps_whole = True
    linear = True


class Subtract(Elementwise):
    """The first input without the second.

    y = x1 - x2. Inputs (…), output (…).
    """

    tag = "Subtract"
    keeps_whole = True
    linear = True
    takes = TWO


class Multiply(Elementwise):
    """The product of the inputs, value by value.

    y = x1 x2 … Inputs (…), output (…).
    """

    tag = "Multiply"
    keeps_whole = True


class Average(Elementwise):
    """The mean of the inputs.

    y = (x1 + x2 + … + xn) / n. Inputs (…), output (…).
    """

    tag = "Average"
    linear = True


class Maximum(Elementwise):
    """The largest of the inputs, value by value.

    y = max(x1, x2, …). Inputs (…), output (…). Where two are equal, the gradient goes to the one
    that is named first, as in TensorFlow.
    """

    tag = "Maximum"
    keeps_whole = True


class Minimum(Elementwise):
    """The smallest of the inputs, value by value.

    y = min(x1, x2, …). Inputs (…), output (…). Where two are equal, the gradient goes to the one
    that is named first, as in TensorFlow.
    """

    tag = "Minimum"
    keeps_whole = True


class Concatenate(Merge):
    """The inputs one after another along one axis.

    The output's size of that axis is the sum of the inputs' sizes. Inputs (…), output (…).
    """

    tag = "Concatenate"
    keeps_whole = True
    linear = True

    axis: Annotated[
        int, Field(description="The axis that grows, counted as Keras does: 0 is the batch.")
    ] = -1

    def infer_shape(self, inputs: Shapes) -> Shape:
        first = inputs[0]
        index = axis_index(self.axis, first)
        for shape in inputs[1:]:
            others = [size for axis, size in enumerate(shape) if axis != index]
            if len(shape) != len(first) or others != [*first[:index], *first[index + 1 :]]:
                help = f"all sizes except on axis {self.axis} must be equal"
                raise self.unfit(first, shape, help)
        joined = sum(shape[index] for shape in inputs)
        return (*first[:index], joined, *first[index + 1 :])

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        index = axis_index(self.axis, inputs[0])
        if part[index] != (0, sum(shape[index] for shape in inputs)):
            return tuple(map(whole, inputs))
        return tuple((*part[:index], (0, shape[index]), *part[index + 1 :]) for shape in inputs)


def _for_both(value: object) -> object:
    """1 is (1, 1), and a list of two becomes a tuple."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value, value
    if isinstance(value, list | tuple) and len(value) == 2:  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
        return tuple(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as above
    help = "write 1 for axis 1 of both inputs, or [1, 2]"
    raise unexpected("a whole number or a list of two", help)


Axes: TypeAlias = Annotated[
    tuple[int, int], BeforeValidator(_for_both, json_schema_input_type=int | tuple[int, int])
]


class Dot(Merge):
    """The sum of products along an axis of each input.

    y[i…, j…] = sum over k of x1[i…, k] x2[j…, k], where k runs along the axes that `axes` names.
    Inputs (i…, k) and (j…, k), output (i…, j…), or (1) for two vectors.
    """

    tag = "Dot"
    takes = TWO

    axes: Annotated[
        Axes, Field(description="The axis of each input, counted as Keras does: 0 is the batch.")
    ]
    normalize: Annotated[
        bool, Field(description="Divide by the lengths along the axes: the cosine of the angle.")
    ] = False

    def infer_shape(self, inputs: Shapes) -> Shape:
        first, second = inputs
        axis, other_axis = self.indices(inputs)
        if first[axis] != second[other_axis]:
            help = f"the axes {list(self.axes)} must have the same size"
            raise self.unfit(first, second, help)
        kept = (*first[:axis], *first[axis + 1 :], *second[:other_axis], *second[other_axis + 1 :])
        return kept or (1,)

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_last"

    def infer_cost(self, inputs: Shapes) -> int:
        first, second = inputs
        return prod(first) * prod(second) // first[self.indices(inputs)[0]]

    def indices(self, inputs: Shapes) -> tuple[int, int]:
        """The indices of the summed axis in both shapes, which have no batch axis."""
        first_axis, second_axis = (
            axis_index(axis, shape, "axes") for axis, shape in zip(self.axes, inputs, strict=True)
        )
        return first_axis, second_axis

    def equation(self, inputs: Shapes) -> str:
        """The sum in Einstein's notation, as in `abk,ack->abc`: a is the batch."""
        letters = iter("bcdefghijlmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
        axes = [[next(letters) for _ in shape] for shape in inputs]
        for names, index in zip(axes, self.indices(inputs), strict=True):
            names[index] = "k"
        first, second = ("".join(names) for names in axes)
        kept = f"{first}{second}".replace("k", "")
        return f"a{first},a{second}->a{kept}"
