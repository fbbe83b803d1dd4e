"""Layers around a layer: one runs it in both directions, one on every step by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from netspec.language.layers.base import (
    InputCount,
    Kept,
    Layer,
    LayerFault,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.language.layers.families import FAMILIES, LayersByName
from netspec.language.layers.recurrent import RecurrentLayer
from netspec.language.layers.tagged import OneKey, fault

_RECURRENT = LayersByName(FAMILIES["recurrent"])

_BY_EXAMPLE = LayersByName(
    (
        *("Dense", "Flatten", "Activation"),
        *FAMILIES["convolution"],
        *FAMILIES["pooling"],
        *FAMILIES["recurrent"],
    )
)
"""What TimeDistributed can contain: layers that treat every example by itself."""


def _check_inside(wrapper: str, inner: Layer) -> None:
    """Raise a fault where the layer inside has a field that belongs to the one around it."""
    for name in Layer.model_fields:
        if name in inner.model_fields_set:
            message = f"the {inner.tag} in a {wrapper} has no separate {name}"
            raise fault(("layer", inner.tag, name), message, f"write it as a field of {wrapper}")


def _weights(inner: Layer, inputs: Shapes, name: str = "") -> tuple[Weight, ...]:
    """The weights of the layer inside, their names after `name`."""
    within = ("layer", inner.tag)
    return tuple(
        replace(weight, name=f"{name}{weight.name}", within=within)
        for weight in inner.infer_weights(inputs)
    )


class Bidirectional(Layer):
    """A recurrent layer in both directions, each with separate weights.

    y = merge(layer(x), back(x)), where back goes from the last step to the first. Without
    `return_sequences` each returns its last state, which for back is at the first step; with it,
    back's states are in the order of the input. Input (steps, inputs), output (units) or
    (steps, units), with twice the units for `concat`. Schuster & Paliwal, 1997.
    """

    tag = "Bidirectional"

    layer: Annotated[
        Annotated[RecurrentLayer, OneKey("layer", members=_RECURRENT)],
        Field(description="The recurrent layer, such as `LSTM: {units: 8}`."),
    ]
    merge_mode: Annotated[
        Literal["concat", "sum", "mul", "ave"],
        Field(description="How the outputs become one: side by side, sum, product or mean."),
    ] = "concat"

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_inside(self.tag, self.layer)
        if self.layer.go_backwards:
            path = ("layer", self.layer.tag, "go_backwards")
            message = "Bidirectional decides the direction of its layers"
            raise fault(path, message, "leave go_backwards out")
        return self

    def infer_shape(self, inputs: Shapes) -> Shape:
        *steps, units = self.layer.infer_shape(inputs)
        return (*steps, 2 * units if self.merge_mode == "concat" else units)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        ahead = _weights(self.layer, inputs, "forward.")
        return ahead + _weights(self.layer, inputs, "backward.")

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        kept = self.layer.infer_kept(inputs, output)
        return replace(kept, values=2 * kept.values)

    def infer_cost(self, inputs: Shapes) -> int:
        return 2 * self.layer.infer_cost(inputs)


class TimeDistributed(Layer):
    """A layer on every step of a sequence by itself, with the same weights.

    y[t] = layer(x[t]). Input (steps, …), output (steps, …).
    """

    tag = "TimeDistributed"

    layer: Annotated[
        Annotated[Layer, OneKey("layer", members=_BY_EXAMPLE)],
        Field(description="The layer, such as `Dense: {units: 8}`."),
    ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_inside(self.tag, self.layer)
        return self

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) < 2:
            raise LayerFault(
                f"TimeDistributed needs an input of (steps, …), and gets {written(shape)}",
                f"without steps, write only the {self.layer.tag}",
            )
        try:
            return (shape[0], *self.layer.infer_shape((shape[1:],)))
        except LayerFault as fault:
            raise fault.inside("layer", self.layer.tag) from None

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        return _weights(self.layer, (shape[1:],))

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        kept = self.layer.infer_kept((inputs[0][1:],), output[1:])
        return replace(kept, values=output[0] * kept.values)

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return shape[0] * self.layer.infer_cost((shape[1:],))


class FoldSteps(Layer):
    """Makes every step of every sequence a separate example.

    No spec names it: what TimeDistributed holds becomes a layer between this one and UnfoldSteps,
    where a backend wants it so. Input (steps, …), output (…).
    """

    tag = "FoldSteps"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        return shape[1:]


class UnfoldSteps(Layer):
    """Joins the examples that FoldSteps separated to sequences again.

    Inputs (…), the examples, and (steps, …), the sequences that they come from; output (steps, …).
    """

    tag = "UnfoldSteps"
    takes = InputCount("two inputs", 2, 2, "read the examples and the sequences")

    def infer_shape(self, inputs: Shapes) -> Shape:
        example, sequence = inputs
        return (sequence[0], *example)
