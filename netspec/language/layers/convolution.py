"""Convolutions: of sequences, images and volumes, depthwise, separable and transposed."""

from __future__ import annotations

from math import prod
from operator import ge, gt
from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.language.layers.axes import DENSE, DEPTHWISE, SPACE, TRANSPOSED, WeightAxes
from netspec.language.layers.base import (
    Extents,
    Layer,
    LayerFault,
    Layout,
    Shape,
    Shapes,
    Weight,
    WindowFault,
    kind,
    spatial,
    whole,
)
from netspec.language.layers.constraints import ConstraintField
from netspec.language.layers.fields import WithActivation, WithBias, WithKernel
from netspec.language.layers.initializers import GlorotUniform, InitializerField
from netspec.language.layers.regularizers import RegularizerField
from netspec.language.layers.window import (
    CausalPadding,
    CellsOfImage,
    CellsOfLine,
    CellsOfVolume,
    Padding,
    Pair,
    Single,
    Size,
    Triple,
    by,
    crops,
    extent,
    reads,
    spread,
    windows,
)

CroppedField: TypeAlias = Annotated[
    Padding,
    Field(description="'valid' keeps every position that is reached; 'same' keeps size x stride."),
]
OUTPUT_PADDING = Field(
    description="Positions beyond (size - 1) strides + kernel; for 'same' beyond "
    "(size - 1) strides, and 1 more for an odd kernel."
)


class Filtered(Layer):
    """A layer with a number of output channels."""

    filters: Annotated[Size, Field(description="The number of output channels.")]


class Kernel(Layer):
    """A layer whose kernel moves over space, along any number of axes."""

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Annotated[
        Padding,
        Field(description="'valid' adds no padding; 'same' adds zeros for ceil(size / stride)."),
    ] = "valid"
    dilation_rate: tuple[int, ...]

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_first"

    @property
    def extents(self) -> tuple[int, ...]:
        """How many positions the dilated kernel spans along every axis."""
        return tuple(
            extent(*axis) for axis in zip(self.kernel_size, self.dilation_rate, strict=True)
        )

    @property
    def axes(self) -> WeightAxes:
        """The kernel's axes in space."""
        return SPACE[-len(self.kernel_size) :]

    def space(self, shape: Shape) -> tuple[Shape, int]:
        """The spatial sizes and the channels of the input. Raises LayerFault for another rank."""
        return spatial(shape, self.tag, len(self.kernel_size))

    def windows(self, space: Shape) -> Shape:
        """How often the kernel fits along every axis. Raises LayerFault where it does not."""
        spans = self.extents
        if self.padding == "valid" and any(map(gt, spans, space)):
            dilated = " after dilation" if max(self.dilation_rate) > 1 else ""
            raise WindowFault(
                f"a kernel of {by(spans)}{dilated} does not fit into {kind(len(space))} of "
                f"{by(space)}",
                "use padding: same, a smaller kernel, or less pooling before this layer",
                "kernel_size",
            )
        axes = zip(space, spans, self.strides, strict=True)
        return tuple(windows(*axis, self.padding) for axis in axes)

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        return (reads(inputs[0], self.extents, self.strides, self.padding, part),)

    def check_steps(self) -> None:
        """Raises LayerFault where strides and dilation are both above 1."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise LayerFault(
                f"strides {by(self.strides)} and dilation_rate {by(self.dilation_rate)} exclude "
                "each other",
                "Keras defines only one of them above 1; leave the other at 1",
                "dilation_rate",
            )

    def check_equal_strides(self) -> None:
        """Raises LayerFault where a depthwise convolution has several strides.

        TensorFlow has no kernel for them but oneDNN's (depthwise_conv_op.cc, 2.21). Dilated ones
        Keras computes at strides of 1.
        """
        if len(set(self.strides)) > 1 and max(self.dilation_rate) == 1:
            raise LayerFault(
                f"strides {by(self.strides)} differ, and TensorFlow's depthwise convolution takes "
                "only equal ones",
                "write one stride for all axes; a Conv2D with groups takes several",
                "strides",
            )


class Kernel1D(Kernel):
    """A kernel that moves along a sequence."""

    kernel_size: Annotated[Single, Field(description="Length of the kernel.")]
    strides: Annotated[Single, Field(description="Steps of the kernel, in positions.")] = (1,)
    dilation_rate: Annotated[Single, Field(description="Distance of the kernel's elements.")] = (1,)


class Kernel2D(Kernel):
    """A kernel that moves over an image."""

    kernel_size: Annotated[Pair, Field(description="Height and width of the kernel.")]
    strides: Annotated[Pair, Field(description="Steps of the kernel, in positions.")] = (1, 1)
    dilation_rate: Annotated[Pair, Field(description="Distance of the kernel's elements.")] = (1, 1)


class Kernel3D(Kernel):
    """A kernel that moves through a volume."""

    kernel_size: Annotated[Triple, Field(description="Depth, height and width of the kernel.")]
    strides: Annotated[Triple, Field(description="Steps of the kernel, in positions.")] = (1, 1, 1)
    dilation_rate: Annotated[Triple, Field(description="Distance of the kernel's elements.")] = (
        1,
        1,
        1,
    )


class Grouped(Kernel, Filtered):
    """A kernel that is applied to groups of channels."""

    groups: Annotated[
        Size, Field(description="Groups of channels, each with separate filters.")
    ] = 1


class Conv(WithBias, WithKernel, WithActivation, Grouped):
    """Slides `filters` kernels over space."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = self.space(shape)
        self._check_groups(channels)
        self.check_steps()
        return (*self.windows(space), self.filters)

    def _check_groups(self, channels: int) -> None:
        for count, name in ((channels, "input channels"), (self.filters, "filters")):
            if count % self.groups:
                raise LayerFault(
                    f"the number of {name}, {count}, cannot be divided by {self.groups} groups",
                    "groups must divide both the input channels and the filters",
                    "groups",
                )

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        size = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        kernel = self.weight("kernel", size, (*self.axes, *DENSE))
        return (kernel, *self.bias_weights(self.filters))

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(self.infer_shape(inputs)) * prod(self.kernel_size) * (shape[-1] // self.groups)


class Conv1D(Kernel1D, Conv):
    """Slides `filters` kernels along a sequence.

    y[i, f] = sum over a, c of kernel[a, c, f] x[i s + a d, c] + bias[f], with strides s and
    dilation rate d, of which one is 1. Input (steps, channels), output (steps', filters).
    """

    tag = "Conv1D"

    padding: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride] - what reads it knows 'causal' as well
        CausalPadding,
        Field(
            description="'valid' adds no padding; 'same' adds zeros for ceil(size / stride); "
            "'causal' adds them all in front, so that no step sees a later one."
        ),
    ] = "valid"


class Conv2D(Kernel2D, Conv):
    """Slides `filters` kernels over an image.

    y[i, j, f] = sum over a, b, c of kernel[a, b, c, f] x[i s + a d, j s + b d, c] + bias[f], with
    strides s and dilation rate d, of which one is 1. Input (height, width, channels), output
    (height', width', filters).
    """

    tag = "Conv2D"


class Conv3D(Kernel3D, Conv):
    """Slides `filters` kernels through a volume.

    y[i, j, k, f] = sum over a, b, e, c of kernel[a, b, e, c, f]
    x[i s + a d, j s + b d, k s + e d, c] + bias[f], with strides s and dilation rate d, of which
    one is 1. Input (depth, height, width, channels), output (depth', height', width', filters).
    """

    tag = "Conv3D"


class Multiplied(Kernel):
    """A kernel that is applied to every channel by itself."""

    depth_multiplier: Annotated[
        Size, Field(description="The number of kernels of every channel.")
    ] = 1


class WithDepthwise(Layer):
    """A layer with a depthwise kernel."""

    depthwise_initializer: Annotated[
        InitializerField, Field(description="Initial values of the depthwise kernel.")
    ] = GlorotUniform()
    depthwise_regularizer: RegularizerField = None
    depthwise_constraint: ConstraintField = None


class WithPointwise(Layer):
    """A layer with a pointwise kernel."""

    pointwise_initializer: Annotated[
        InitializerField, Field(description="Initial values of the pointwise kernel.")
    ] = GlorotUniform()
    pointwise_regularizer: RegularizerField = None
    pointwise_constraint: ConstraintField = None


class DepthwiseConv(WithBias, WithDepthwise, WithActivation, Multiplied):
    """Slides separate kernels over every channel."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = self.space(shape)
        self.check_equal_strides()
        return (*self.windows(space), channels * self.depth_multiplier)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        size = (*self.kernel_size, shape[-1], self.depth_multiplier)
        kernel = self.weight("kernel", size, (*self.axes, *DEPTHWISE), "depthwise")
        return (kernel, *self.bias_weights(shape[-1] * self.depth_multiplier))

    def infer_cost(self, inputs: Shapes) -> int:
        return prod(self.infer_shape(inputs)) * prod(self.kernel_size)


class DepthwiseConv1D(Kernel1D, DepthwiseConv):
    """Slides `depth_multiplier` kernels along every channel of a sequence.

    y[i, c m + q] = sum over a of kernel[a, c, q] x[i s + a d, c] + bias[c m + q], with strides s,
    dilation rate d and m = depth_multiplier. Input (steps, channels), output (steps', channels m).
    """

    tag = "DepthwiseConv1D"


class DepthwiseConv2D(Kernel2D, DepthwiseConv):
    """Slides `depth_multiplier` kernels over every channel of an image.

    y[i, j, c m + q] = sum over a, b of kernel[a, b, c, q] x[i s + a d, j s + b d, c]
    + bias[c m + q], with strides s, dilation rate d and m = depth_multiplier. Input (height, width,
    channels), output (height', width', channels m).
    """

    tag = "DepthwiseConv2D"


class SeparableConv(WithBias, WithPointwise, WithDepthwise, WithActivation, Multiplied, Filtered):
    """A depthwise convolution without a bias, then a convolution of single positions."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, _ = self.space(shape)
        self.check_equal_strides()
        return (*self.windows(space), self.filters)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        depthwise = (*self.kernel_size, shape[-1], self.depth_multiplier)
        pointwise = (*(1 for _ in self.axes), shape[-1] * self.depth_multiplier, self.filters)
        kernels = (
            self.weight("depthwise_kernel", depthwise, (*self.axes, *DEPTHWISE), "depthwise"),
            self.weight("pointwise_kernel", pointwise, (*self.axes, *DENSE), "pointwise"),
        )
        return (*kernels, *self.bias_weights(self.filters))

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        *space, filters = self.infer_shape(inputs)
        channels = shape[-1] * self.depth_multiplier
        return prod(space) * channels * (prod(self.kernel_size) + filters)


class SeparableConv1D(Kernel1D, SeparableConv):
    """A depthwise convolution of a sequence, then a convolution of single positions.

    y[i, f] = sum over c, q of pointwise_kernel[0, c m + q, f] times the sum over a of
    depthwise_kernel[a, c, q] x[i s + a d, c], + bias[f], with strides s, dilation rate d and
    m = depth_multiplier (Chollet, 2017). Input (steps, channels), output (steps', filters).
    """

    tag = "SeparableConv1D"


class SeparableConv2D(Kernel2D, SeparableConv):
    """A depthwise convolution of an image, then a convolution of single positions.

    y[i, j, f] = sum over c, q of pointwise_kernel[0, 0, c m + q, f] times the sum over a, b of
    depthwise_kernel[a, b, c, q] x[i s + a d, j s + b d, c], + bias[f], with strides s, dilation
    rate d and m = depth_multiplier (Chollet, 2017). Input (height, width, channels), output
    (height', width', filters).
    """

    tag = "SeparableConv2D"


class Spread(Kernel, Filtered):
    """A kernel over which every position is spread: the reverse of a convolution's windows."""

    output_padding: tuple[int, ...] | None = None

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        return tuple(map(whole, inputs))

    def crops(self, space: Shape) -> tuple[tuple[int, int], ...]:
        """The positions that are dropped before and after, along every axis; see window.crops."""
        return tuple(crops(*axis) for axis in self.along(space))

    def along(self, space: Shape) -> list[tuple[int, int, int, Padding, int | None]]:
        extra = self.output_padding or (None,) * len(space)
        axes = zip(space, self.extents, self.strides, extra, strict=True)
        return [(size, span, step, self.padding, more) for size, span, step, more in axes]

    def check_output_padding(self) -> None:
        """Raises LayerFault for an output_padding that no convolution leads back from."""
        if self.output_padding is None:
            return
        if any(map(ge, self.output_padding, self.strides)):
            raise LayerFault(
                f"output_padding {by(self.output_padding)} is not below strides {by(self.strides)}",
                "it chooses between the sizes that convolve to the same one, which are as many as "
                "the strides",
                "output_padding",
            )
        if self.padding == "same" and any(
            span % 2 == more == 0
            for span, more in zip(self.extents, self.output_padding, strict=True)
        ):
            raise LayerFault(
                f"with padding same and a kernel of {by(self.extents)}, output_padding "
                f"{by(self.output_padding)} leaves too few positions to convolve to the input",
                "leave output_padding out for size x stride positions, or use an odd kernel",
                "output_padding",
            )


class ConvTranspose(WithBias, WithKernel, WithActivation, Spread):
    """The transpose of a convolution, which spreads every position over a kernel."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, _ = self.space(shape)
        self.check_steps()
        self.check_output_padding()
        return (*(spread(*axis) for axis in self.along(space)), self.filters)

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        (shape,) = inputs
        size = (*self.kernel_size, self.filters, shape[-1])
        kernel = self.weight("kernel", size, (*self.axes, *TRANSPOSED))
        return (kernel, *self.bias_weights(self.filters))

    def infer_cost(self, inputs: Shapes) -> int:
        (shape,) = inputs
        return prod(shape) * prod(self.kernel_size) * self.filters


class Conv1DTranspose(Kernel1D, ConvTranspose):
    """Spreads every step of a sequence over a kernel.

    y[i s + a d - p, f] is the sum of kernel[a, f, c] x[i, c] over all i, a, c that meet there, +
    bias[f], with strides s and dilation rate d, of which one is 1. With padding 'valid' steps' is
    (steps - 1) s + max(kernel, s). With 'same' it is steps s, and p of the extra steps are dropped
    at the start. Input (steps, channels), output (steps', filters).
    """

    tag = "Conv1DTranspose"

    padding: CroppedField = "valid"
    output_padding: Annotated[CellsOfLine | None, OUTPUT_PADDING] = None


class Conv2DTranspose(Kernel2D, ConvTranspose):
    """Spreads every pixel of an image over a kernel.

    y[i s + a d - p, j s + b d - p, f] is the sum of kernel[a, b, f, c] x[i, j, c] over all i, j, a,
    b, c that meet there, + bias[f], with strides s and dilation rate d, of which one is 1. With
    padding 'valid' an axis has (size - 1) s + max(kernel, s) pixels. With 'same' it has size s, and
    p of the extra pixels are dropped at the start. Input (height, width, channels), output
    (height', width', filters).
    """

    tag = "Conv2DTranspose"

    padding: CroppedField = "valid"
    output_padding: Annotated[CellsOfImage | None, OUTPUT_PADDING] = None


class Conv3DTranspose(Kernel3D, ConvTranspose):
    """Spreads every voxel of a volume over a kernel.

    As Conv2DTranspose, with one axis more. Input (depth, height, width, channels), output (depth',
    height', width', filters).
    """

    tag = "Conv3DTranspose"

    padding: CroppedField = "valid"
    output_padding: Annotated[CellsOfVolume | None, OUTPUT_PADDING] = None
