"""Layers around a layer: one runs it in both directions, one on every step by itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field, model_validator

from netspec.language.layers.base import (
    AnyLayer,
    Kept,
    LayerBase,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    written,
)
from netspec.language.layers.convolution import Convolution
from netspec.language.layers.core import Activation, Dense, Flatten
from netspec.language.layers.pooling import Pooling
from netspec.language.layers.recurrent import Recurrent
from netspec.language.layers.tagged import OneKey, fault

Inner: TypeAlias = Dense | Flatten | Activation | Convolution | Pooling | Recurrent
"""What can stand in TimeDistributed: layers that treat every example by itself."""


def _check_inside(wrapper: str, inner: AnyLayer) -> None:
    """Raise a fault where the layer inside has a field that belongs to the one around it."""
    for name in AnyLayer.model_fields:
        if name in inner.model_fields_set:
            message = f"the {inner.tag} in a {wrapper} has no {name} of its own"
            raise fault(("layer", inner.tag, name), message, f"write it as a field of {wrapper}")


def _weights(inner: AnyLayer, shape: Shape, name: str = "") -> tuple[Weight, ...]:
    """The weights of the layer inside, their names behind `name`."""
    within = ("layer", inner.tag)
    return tuple(
        replace(weight, name=f"{name}{weight.name}", within=within)
        for weight in inner.weights_of((shape,))
    )


class Bidirectional(LayerBase):
    """A recurrent layer in both directions, each with weights of its own.

    y = merge(layer(x), back(x)), where back goes from the last step to the first. Without
    `return_sequences` each gives its own last state, which for back is that at the first step; with
    it, back's states are in the order of the input. Input (steps, inputs), output (units) or
    (steps, units), with twice the units for `concat`. Schuster & Paliwal, 1997.
    """

    tag = "Bidirectional"

    layer: Annotated[
        Annotated[Recurrent, OneKey("layer")],
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
            at = ("layer", self.layer.tag, "go_backwards")
            message = "Bidirectional decides the direction of its layers"
            raise fault(at, message, "leave go_backwards out")
        return self

    def output_shape(self, shape: Shape) -> Shape:
        *steps, units = self.layer.output_shape(shape)
        return (*steps, 2 * units if self.merge_mode == "concat" else units)

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        ahead = _weights(self.layer, shape, "forward.")
        return ahead + _weights(self.layer, shape, "backward.")

    def kept_of(self, inputs: Shapes, output: Shape) -> Kept:
        kept = self.layer.kept_of(inputs, output)
        return replace(kept, values=2 * kept.values)

    def multiply_adds(self, shape: Shape) -> int:
        return 2 * self.layer.multiply_adds(shape)


class TimeDistributed(LayerBase):
    """A layer on every step of a sequence by itself, with the same weights.

    y[t] = layer(x[t]). Input (steps, …), output (steps, …).
    """

    tag = "TimeDistributed"

    layer: Annotated[
        Annotated[Inner, OneKey("layer")],
        Field(description="The layer, such as `Dense: {units: 8}`."),
    ]

    @model_validator(mode="after")
    def _check(self) -> Self:
        _check_inside(self.tag, self.layer)
        return self

    def output_shape(self, shape: Shape) -> Shape:
        if len(shape) < 2:
            raise LayerFault(
                f"TimeDistributed needs an input of (steps, …), and gets {written(shape)}",
                f"without steps, write the {self.layer.tag} alone",
            )
        try:
            return (shape[0], *self.layer.shape_of((shape[1:],)))
        except LayerFault as fault:
            raise fault.inside("layer", self.layer.tag) from None

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        return _weights(self.layer, shape[1:])

    def kept_of(self, inputs: Shapes, output: Shape) -> Kept:
        kept = self.layer.kept_of((inputs[0][1:],), output[1:])
        return replace(kept, values=output[0] * kept.values)

    def multiply_adds(self, shape: Shape) -> int:
        return shape[0] * self.layer.cost_of((shape[1:],))


class FoldSteps(LayerBase):
    """Makes every step of every sequence an example of its own.

    No spec names it: what TimeDistributed holds becomes a layer between this one and UnfoldSteps,
    where a backend wants it so. Input (steps, …), output (…).
    """

    tag = "FoldSteps"

    def output_shape(self, shape: Shape) -> Shape:
        return shape[1:]


class UnfoldSteps(AnyLayer):
    """Makes of examples the sequences again that FoldSteps took apart.

    Inputs (…), the examples, and (steps, …), the sequences that they come from; output (steps, …).
    """

    tag = "UnfoldSteps"

    def shape_of(self, inputs: Shapes) -> Shape:
        example, sequence = inputs
        return (sequence[0], *example)

    def layout_of(self, inputs: Shapes) -> Layout:
        return "channels_last"

    def weights_of(self, inputs: Shapes) -> tuple[Weight, ...]:
        return ()

    def cost_of(self, inputs: Shapes) -> int:
        return 0


Wrapping: TypeAlias = Bidirectional | TimeDistributed
"""The layers of this family."""
