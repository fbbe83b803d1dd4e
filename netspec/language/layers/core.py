"""Layers without an idea of space: Dense, Embedding, Flatten, and those that activate."""

from __future__ import annotations

from math import prod
from typing import Annotated, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.layers.activations import ALONG_CHANNELS, ActivationField
from netspec.language.layers.axes import DENSE, INDEX, OUTPUT, Axis, elements
from netspec.language.layers.base import (
    FROM_OUTPUT,
    Axes,
    Extents,
    Kept,
    Layer,
    LayerFault,
    Layout,
    Linear,
    Pointwise,
    SameShape,
    Shape,
    Shapes,
    Weight,
    axis_indices,
    one_integer_or_several,
    whole,
    written,
)
from netspec.language.layers.constraints import ConstraintField
from netspec.language.layers.einsum import Einsum, parse
from netspec.language.layers.fields import WithActivation, WithBias, WithBiasFields, WithKernel
from netspec.language.layers.initializers import (
    Float32,
    InitializerField,
    NotNegative,
    RandomUniform,
    Zeros,
)
from netspec.language.layers.regularizers import RegularizerField
from netspec.language.layers.window import Size


class Units(Layer):
    """A layer with a number of outputs."""

    units: Annotated[Size, Field(description="The number of outputs.")]


class Dense(WithBias, WithKernel, WithActivation, Units, Pointwise):
    """Every output is connected to every input of the last axis.

    y[…, u] = sum over i of x[…, i] kernel[i, u] + bias[u]. Input (…, inputs), output (…, units).
    """

    tag = "Dense"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        return (*shape[:-1], self.units)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        kernel = self.weight("kernel", (shape[-1], self.units), DENSE)
        return (kernel, *self.bias_weights(self.units))

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape) * self.units


Sizes: TypeAlias = Annotated[
    tuple[Size, ...],
    Field(min_length=1),
    BeforeValidator(one_integer_or_several, json_schema_input_type=Size | list[Size]),
]
"""One size, or a list of them."""


class Equation(Layer):
    """A layer that computes an einsum of its input and a kernel."""

    equation: Annotated[
        str,
        Field(
            max_length=200,
            description="The letters of the input, the kernel and the output, batch first.",
        ),
    ]
    output_shape: Annotated[
        Sizes, Field(description="The sizes of the output's letters, without the batch.")
    ]

    def einsum(self, inputs: Shapes) -> Einsum:
        """The equation for these inputs. Raises LayerFault."""
        (shape,) = inputs
        return parse(self.equation, self.output_shape, shape)


class WithBiasAxes(WithActivation):
    """A layer whose bias has some of the axes of its output."""

    bias_axes: Annotated[
        Annotated[str, Field(min_length=1, max_length=52)] | None,
        Field(description="The letters of the output that the bias has. Without them, no bias."),
    ] = None


class EinsumDense(WithBiasFields, WithKernel, WithBiasAxes, Equation):
    """Sums of products of the input and a kernel along any axes, by an equation.

    With `abc,cd->abd`, y[a, b, d] = activation(sum over c of x[a, b, c] kernel[c, d] + bias[d]),
    where a is the batch and the bias has the letters of `bias_axes`. `...` are axes that stay, as
    in `...c,cd->...d`. Input (…), output `output_shape`, and the axes of `...`.
    """

    tag = "EinsumDense"

    def infer_shape(self, inputs: Shapes) -> Shape:
        einsum = self.einsum(inputs)
        for letter in self.bias_axes or "":
            if letter not in einsum.output[1:] or letter not in self.equation:
                raise LayerFault(
                    f"bias_axes has {letter!r}, which is no letter of the output of "
                    f"{self.equation}, or its batch",
                    "name letters of the output, as in `bias_axes: d` for `abc,cd->abd`",
                    "bias_axes",
                )
        return einsum.shape(einsum.output[1:])

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        einsum = self.einsum(inputs)
        axes = tuple(
            Axis(letter, "out" if letter in einsum.output else "in") for letter in einsum.kernel
        )
        kernel = self.weight("kernel", einsum.shape(einsum.kernel), axes)
        if self.bias_axes is None:
            return (kernel,)
        first = min(map(einsum.output.index, self.bias_axes))
        letters = einsum.output[first:]
        shape = tuple(einsum.sizes[letter] if letter in self.bias_axes else 1 for letter in letters)
        return (kernel, self.weight("bias", shape, elements(*letters)))

    def infer_cost(self, inputs: Shapes) -> int:
        return self.einsum(inputs).products


class Embedding(Layer):
    """A vector of weights for every index.

    y[…, u] = embeddings[x[…], u]. The input holds whole numbers from 0 to below `input_dim`, as
    float32. Input (…), output (…, output_dim).
    """

    tag = "Embedding"

    input_dim: Annotated[Size, Field(description="How many indices there are.")]
    output_dim: Annotated[Size, Field(description="The length of the vectors.")]
    embeddings_initializer: Annotated[
        InitializerField, Field(description="Initial values of the vectors.")
    ] = RandomUniform()
    embeddings_regularizer: RegularizerField = None
    embeddings_constraint: ConstraintField = None

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        return (*shape, self.output_dim)

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(values=2 * prod(inputs[0]))

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        return (self.weight("embeddings", (self.input_dim, self.output_dim), (INDEX, OUTPUT)),)


class Flatten(Linear):
    """All axes in one, the last one running fastest.

    Input (…), output (product of the axes).
    """

    tag = "Flatten"
    keeps_whole = True

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        return (prod(shape),)


class Activation(SameShape, Pointwise):
    """A function of every value, or of the last axis for softmax, log_softmax and sparsemax.

    Input (…), output (…).
    """

    tag = "Activation"
    ends_in_activation = True

    activation: Annotated[ActivationField, Field(description="The function.")]

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_last" if self.activation in ALONG_CHANNELS else "either"

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        if self.activation == "linear":
            return Kept()
        from_output = self.activation in FROM_OUTPUT
        return Kept(inputs=not from_output, output=from_output)


class Identity(SameShape, Linear, Pointwise):
    """The input, unchanged: a place with a name.

    y = x. Input (…), output (…).
    """

    tag = "Identity"
    keeps_whole = True


class ReLU(SameShape, Pointwise):
    """Nothing below a threshold, or a slope there, and no more than a largest value.

    y = min(x, max_value) where x > threshold, else negative_slope (x - threshold). Input (…),
    output (…).
    """

    tag = "ReLU"

    max_value: Annotated[
        NotNegative | None, Field(description="The largest output. Without it, there is none.")
    ] = None
    negative_slope: Annotated[NotNegative, Field(description="The slope up to the threshold.")] = (
        0.0
    )
    threshold: Annotated[NotNegative, Field(description="Where the slope ends.")] = 0.0

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        plain = self.max_value is None and not self.negative_slope and not self.threshold
        return Kept(inputs=not plain, output=plain)


class LeakyReLU(SameShape, Pointwise):
    """A slope for values below 0.

    y = x where x > 0, else negative_slope x. Input (…), output (…). The slope is 0.3 without
    another, and 0.2 in the activation leaky_relu. Maas et al., 2013.
    """

    tag = "LeakyReLU"

    negative_slope: Annotated[NotNegative, Field(description="The slope up to 0.")] = 0.3


class PReLU(SameShape, Pointwise):
    """A slope for values below 0 that is learned.

    y = x where x > 0, else alpha x, with an alpha for every place of the input, or one for all
    places along `shared_axes`. Input (…), output (…). He et al., 2015.
    """

    tag = "PReLU"

    alpha_initializer: Annotated[
        InitializerField, Field(description="Initial values of the slopes.")
    ] = Zeros()
    alpha_regularizer: RegularizerField = None
    alpha_constraint: ConstraintField = None
    shared_axes: Annotated[
        Axes | None, Field(description="Axes along which the slope is the same; 1 is the first.")
    ] = None

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        for axis in self.shared_axes or ():
            if not 1 <= axis <= len(shape):
                raise LayerFault(
                    f"axis {axis} is not an axis of an input of {written(shape)}",
                    f"count from 1 to {len(shape)} after the batch axis",
                    "shared_axes",
                )
        return shape

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        shared = self.shared_axes or ()
        sizes = tuple(1 if axis in shared else size for axis, size in enumerate(shape, start=1))
        space = tuple(f"space{index}" for index in range(1, len(shape)))
        return (self.weight("alpha", sizes, elements(*space, "channel")),)

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        return tuple(map(whole, inputs))  # every position has a separate slope

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape)


class ELU(SameShape, Pointwise):
    """An exponential for values below 0.

    y = x where x > 0, else alpha (exp(x) - 1). Input (…), output (…). Clevert et al., 2016.
    """

    tag = "ELU"

    alpha: Annotated[Float32, Field(description="The distance to the limit below 0.")] = 1.0


class Softmax(Layer):
    """Positive values whose sum along the axes is 1.

    y = exp(x) / sum of exp(x) over `axis`. Input (…), output (…).
    """

    tag = "Softmax"

    axis: Annotated[
        Axes,
        Field(description="The axis or axes of the sum, counted as Keras does: 0 is the batch."),
    ] = (-1,)

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        axis_indices(self.axis, shape)
        return shape

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(output=True)

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"


class Transpose(Layer):
    """Moves a tensor between channels last and channels first; the values stay the same.

    No spec names it: the layout pass inserts it for backends that want channels first. Its shapes
    are written channels last on both sides; `to` is the order of the output in memory.
    """

    tag = "Transpose"

    to: Layout

    def infer_shape(self, inputs: Shapes) -> Shape:
        return inputs[0]

    def axes(self, shape: Shape) -> tuple[int, ...]:
        """The permutation of all axes, with the batch axis, for an input of `shape`."""
        space = range(1, len(shape))
        if self.to == "channels_first":
            return (0, len(shape), *space)
        return (0, *(axis + 1 for axis in space), 1)
