"""Recurrent layers: they go through a sequence step by step, and carry a state along."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, ClassVar

from pydantic import Field

from netspec.language.layers.activations import ActivationField
from netspec.language.layers.axes import DENSE, elements
from netspec.language.layers.base import Kept, Layer, Shape, Shapes, Weight, sequence
from netspec.language.layers.constraints import ConstraintField
from netspec.language.layers.fields import Rate, WithBias, WithKernel
from netspec.language.layers.initializers import (
    InitializerField,
    Orthogonal,
    UnitForgetBias,
)
from netspec.language.layers.regularizers import RegularizerField
from netspec.language.layers.window import Size


class _State(Layer):
    """A layer with a state."""

    units: Annotated[Size, Field(description="The size of the state, and of the output.")]
    activation: Annotated[
        ActivationField, Field(description="Applied to the new state, or to what may enter it.")
    ] = "tanh"


class _Kernels(WithKernel):
    """A layer with a kernel for the input, and one for the state."""

    recurrent_initializer: Annotated[
        InitializerField, Field(description="Initial values of the state's kernel.")
    ] = Orthogonal()
    recurrent_regularizer: RegularizerField = None
    recurrent_constraint: ConstraintField = None


class RecurrentLayer(WithBias, _Kernels, _State):
    """What recurrent layers share: one kernel for the input, one for the state, of all gates."""

    gates: ClassVar[int] = 1
    """How many blocks of `units` columns the kernels have."""
    kept_states: ClassVar[int] = 1
    """How many values of every unit and step the backward pass needs: gates and states."""

    dropout: Annotated[
        Rate, Field(description="The part of the input that training sets to 0, in all steps.")
    ] = 0.0
    recurrent_dropout: Annotated[
        Rate, Field(description="The part of the state that training sets to 0, in all steps.")
    ] = 0.0
    return_sequences: Annotated[
        bool, Field(description="Return the output of every step, not only of the last.")
    ] = False
    go_backwards: Annotated[
        bool, Field(description="Begin with the last step; the outputs are in that order.")
    ] = False

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        steps, _ = sequence(shape, self.tag)
        return (steps, self.units) if self.return_sequences else (self.units,)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        columns = self.gates * self.units
        kernel = self.weight("kernel", (shape[-1], columns), DENSE)
        recurrent = self.weight("recurrent_kernel", (self.units, columns), DENSE, "recurrent")
        return (kernel, recurrent, self._bias()) if self.use_bias else (kernel, recurrent)

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(inputs=True, values=self.kept_states * inputs[0][0] * self.units)

    def _bias(self) -> Weight:
        return self.weight("bias", (self.gates * self.units,), elements("output"))

    def infer_cost(self, inputs: Shapes) -> int:
        ((steps, features),) = inputs
        return steps * self.gates * (features + self.units) * self.units


class SimpleRNN(RecurrentLayer):
    """A state that is fed back as it is.

    h[t] = activation(x[t] kernel + h[t-1] recurrent_kernel + bias), with h[-1] = 0. Input (steps,
    inputs), output (units), the last h, or (steps, units) with `return_sequences`. Elman, 1990.
    """

    tag = "SimpleRNN"


class Gated(RecurrentLayer):
    """A recurrent layer whose gates decide what of the state is kept."""

    recurrent_activation: Annotated[ActivationField, Field(description="Applied to the gates.")] = (
        "sigmoid"
    )


class LSTM(Gated):
    """A state c that gates write to, forget and read: long short-term memory.

    With (i, f, g, o)[t] = x[t] kernel + h[t-1] recurrent_kernel + bias, four blocks of `units`,
    s = recurrent_activation and a = activation: c[t] = s(f) c[t-1] + s(i) a(g) and
    h[t] = s(o) a(c[t]), with h[-1] = c[-1] = 0. Input (steps, inputs), output (units), the last h,
    or (steps, units) with `return_sequences`. Hochreiter & Schmidhuber, 1997.
    """

    tag = "LSTM"
    gates = 4
    kept_states = 7

    unit_forget_bias: Annotated[
        bool, Field(description="Begin with 1 as the forget gate's bias (Jozefowicz et al., 2015).")
    ] = True

    def _bias(self) -> Weight:
        bias = super()._bias()
        if not self.unit_forget_bias:
            return bias
        return replace(bias, initializer=UnitForgetBias(others=self.bias_initializer))


class GRU(Gated):
    """A state that gates renew in part: gated recurrent units.

    With (z, r, n) = x[t] kernel + bias[0] and (z', r', n') = h[t-1] recurrent_kernel + bias[1],
    three blocks of `units` each, s = recurrent_activation, Z = s(z + z') and R = s(r + r'):
    h[t] = Z h[t-1] + (1 - Z) activation(n + R n'), with h[-1] = 0. Without `reset_after`, n' is
    (R h[t-1]) times its block, not multiplied by R again, and there is no bias[1]. Input (steps,
    inputs), output (units), the last h, or (steps, units) with `return_sequences`. Cho et al.,
    2014.
    """

    tag = "GRU"
    gates = 3
    kept_states = 7

    reset_after: Annotated[
        bool, Field(description="Reset the state after its kernel, not before.")
    ] = True

    def _bias(self) -> Weight:
        if not self.reset_after:
            return super()._bias()
        return self.weight("bias", (2, self.gates * self.units), elements("side", "output"))
