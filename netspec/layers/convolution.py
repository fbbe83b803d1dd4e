"""Convolutions."""

from __future__ import annotations

from math import prod
from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.layers.activations import ActivationField
from netspec.layers.base import LayerBase, LayerFault, Layout, Shape, Weight, image
from netspec.layers.constraints import ConstraintField
from netspec.layers.initializers import GlorotUniform, InitializerField, Zeros
from netspec.layers.regularizers import RegularizerField
from netspec.layers.window import Padding, Pair, Size, by, extent, windows


class Conv2D(LayerBase):
    """Slides `filters` kernels over an image.

    y[i, j, f] = sum over a, b, c of kernel[a, b, c, f] x[i s + a d, j s + b d, c] + bias[f], with
    strides s and dilation rate d. Input (height, width, channels), output (height', width',
    filters).
    """

    tag = "Conv2D"
    ends_in_activation = True

    filters: Annotated[Size, Field(description="The number of output channels.")]
    kernel_size: Annotated[Pair, Field(description="Height and width of the kernel.")]
    strides: Annotated[Pair, Field(description="Steps of the kernel, in cells.")] = (1, 1)
    padding: Annotated[
        Padding,
        Field(description="'valid' adds no cells; 'same' adds zeros for ceil(size / stride)."),
    ] = "valid"
    dilation_rate: Annotated[
        Pair, Field(description="Distance of the kernel's cells. Above 1, strides must be 1.")
    ] = (1, 1)
    groups: Annotated[
        Size, Field(description="Groups of channels, each with filters of its own.")
    ] = 1
    activation: Annotated[ActivationField, Field(description="Applied to the output.")] = "linear"
    use_bias: Annotated[bool, Field(description="Whether a bias is added.")] = True
    kernel_initializer: Annotated[
        InitializerField, Field(description="Initial values of the kernel.")
    ] = GlorotUniform()
    bias_initializer: Annotated[
        InitializerField, Field(description="Initial values of the bias.")
    ] = Zeros()
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None

    def layout(self, shape: Shape) -> Layout:
        return "channels_first"

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = image(shape, self.tag)
        self._check_groups(channels)
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise LayerFault(
                f"strides {by(self.strides)} and dilation_rate {by(self.dilation_rate)} exclude "
                "each other",
                "Keras defines only one of them above 1; leave the other at 1",
                "dilation_rate",
            )
        spans = self.extents
        if self.padding == "valid" and (spans[0] > height or spans[1] > width):
            dilated = " after dilation" if max(self.dilation_rate) > 1 else ""
            raise LayerFault(
                f"a kernel of {by(spans)}{dilated} does not fit into an image of {height}x{width}",
                "use padding: same, a smaller kernel, or less pooling before this layer",
                "kernel_size",
            )
        rows = windows(height, spans[0], self.strides[0], self.padding)
        columns = windows(width, spans[1], self.strides[1], self.padding)
        return rows, columns, self.filters

    def _check_groups(self, channels: int) -> None:
        for count, name in ((channels, "input channels"), (self.filters, "filters")):
            if count % self.groups:
                raise LayerFault(
                    f"the number of {name}, {count}, cannot be divided by {self.groups} groups",
                    "groups must divide both the input channels and the filters",
                    "groups",
                )

    @property
    def extents(self) -> tuple[int, int]:
        """Height and width that the dilated kernel spans."""
        (rows, columns), (down, across) = self.kernel_size, self.dilation_rate
        return extent(rows, down), extent(columns, across)

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        size = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        kernel = self.weight("kernel", size, ("height", "width", "in", "out"))
        bias = self.weight("bias", (self.filters,), ("out",))
        return (kernel, bias) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        rows, columns, filters = self.output_shape(shape)
        return rows * columns * filters * prod(self.kernel_size) * (shape[-1] // self.groups)


Convolution: TypeAlias = Conv2D
"""The layers of this family."""
