"""Convolutions: of sequences, images and volumes, depthwise, separable and transposed."""

from __future__ import annotations

from math import prod
from operator import gt
from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.layers.activations import ActivationField
from netspec.layers.base import LayerBase, LayerFault, Layout, Shape, Weight, kind, spatial
from netspec.layers.constraints import ConstraintField
from netspec.layers.initializers import GlorotUniform, InitializerField, Zeros
from netspec.layers.regularizers import RegularizerField
from netspec.layers.window import (
    CausalPadding,
    Padding,
    Pair,
    Single,
    Size,
    Triple,
    by,
    extent,
    windows,
)

Activated: TypeAlias = Annotated[ActivationField, Field(description="Applied to the output.")]
UseBias: TypeAlias = Annotated[bool, Field(description="Whether a bias is added.")]
KernelInitializer: TypeAlias = Annotated[
    InitializerField, Field(description="Initial values of the kernel.")
]
BiasInitializer: TypeAlias = Annotated[
    InitializerField, Field(description="Initial values of the bias.")
]


class Filtered(LayerBase):
    """A layer that gives a number of channels of its own."""

    filters: Annotated[Size, Field(description="The number of output channels.")]


class Kernel(LayerBase):
    """A layer whose kernel moves over space, along any number of axes."""

    kernel_size: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Annotated[
        Padding,
        Field(description="'valid' adds no cells; 'same' adds zeros for ceil(size / stride)."),
    ] = "valid"
    dilation_rate: tuple[int, ...]

    def layout(self, shape: Shape) -> Layout:
        return "channels_first"

    @property
    def extents(self) -> tuple[int, ...]:
        """How many cells the dilated kernel spans along every axis."""
        return tuple(
            extent(*axis) for axis in zip(self.kernel_size, self.dilation_rate, strict=True)
        )

    @property
    def axes(self) -> tuple[str, ...]:
        """The kernel's axes in space."""
        return ("depth", "height", "width")[-len(self.kernel_size) :]

    def space(self, shape: Shape) -> tuple[Shape, int]:
        """The spatial sizes and the channels of the input. Raises LayerFault for another rank."""
        return spatial(shape, self.tag, len(self.kernel_size))

    def windows(self, space: Shape) -> Shape:
        """How often the kernel fits along every axis. Raises LayerFault where it does not."""
        spans = self.extents
        if self.padding == "valid" and any(map(gt, spans, space)):
            dilated = " after dilation" if max(self.dilation_rate) > 1 else ""
            raise LayerFault(
                f"a kernel of {by(spans)}{dilated} does not fit into {kind(len(space))} of "
                f"{by(space)}",
                "use padding: same, a smaller kernel, or less pooling before this layer",
                "kernel_size",
            )
        axes = zip(space, spans, self.strides, strict=True)
        return tuple(windows(*axis, self.padding) for axis in axes)

    def check_steps(self) -> None:
        """Raises LayerFault where strides and dilation are both above 1."""
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise LayerFault(
                f"strides {by(self.strides)} and dilation_rate {by(self.dilation_rate)} exclude "
                "each other",
                "Keras defines only one of them above 1; leave the other at 1",
                "dilation_rate",
            )


class Kernel1D(Kernel):
    """A kernel that moves along a sequence."""

    kernel_size: Annotated[Single, Field(description="Length of the kernel.")]
    strides: Annotated[Single, Field(description="Steps of the kernel, in cells.")] = (1,)
    dilation_rate: Annotated[Single, Field(description="Distance of the kernel's cells.")] = (1,)


class Kernel2D(Kernel):
    """A kernel that moves over an image."""

    kernel_size: Annotated[Pair, Field(description="Height and width of the kernel.")]
    strides: Annotated[Pair, Field(description="Steps of the kernel, in cells.")] = (1, 1)
    dilation_rate: Annotated[Pair, Field(description="Distance of the kernel's cells.")] = (1, 1)


class Kernel3D(Kernel):
    """A kernel that moves through a volume."""

    kernel_size: Annotated[Triple, Field(description="Depth, height and width of the kernel.")]
    strides: Annotated[Triple, Field(description="Steps of the kernel, in cells.")] = (1, 1, 1)
    dilation_rate: Annotated[Triple, Field(description="Distance of the kernel's cells.")] = (
        1,
        1,
        1,
    )


class Conv(Kernel, Filtered):
    """Slides `filters` kernels over space."""

    ends_in_activation = True

    groups: Annotated[
        Size, Field(description="Groups of channels, each with filters of its own.")
    ] = 1
    activation: Activated = "linear"
    use_bias: UseBias = True
    kernel_initializer: KernelInitializer = GlorotUniform()
    bias_initializer: BiasInitializer = Zeros()
    kernel_regularizer: RegularizerField = None
    kernel_constraint: ConstraintField = None
    bias_regularizer: RegularizerField = None
    bias_constraint: ConstraintField = None

    def output_shape(self, shape: Shape) -> Shape:
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

    def weights(self, shape: Shape) -> tuple[Weight, ...]:
        size = (*self.kernel_size, shape[-1] // self.groups, self.filters)
        kernel = self.weight("kernel", size, (*self.axes, "in", "out"))
        bias = self.weight("bias", (self.filters,), ("out",))
        return (kernel, bias) if self.use_bias else (kernel,)

    def multiply_adds(self, shape: Shape) -> int:
        return prod(self.output_shape(shape)) * prod(self.kernel_size) * (shape[-1] // self.groups)


class Conv1D(Kernel1D, Conv):
    """Slides `filters` kernels along a sequence.

    y[i, f] = sum over a, c of kernel[a, c, f] x[i s + a d, c] + bias[f], with strides s and
    dilation rate d, of which one is 1. Input (steps, channels), output (steps', filters).
    """

    tag = "Conv1D"

    padding: Annotated[  # pyright: ignore[reportIncompatibleVariableOverride] - what reads it knows 'causal' as well
        CausalPadding,
        Field(
            description="'valid' adds no cells; 'same' adds zeros for ceil(size / stride); "
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


Convolution: TypeAlias = Conv1D | Conv2D | Conv3D
"""The layers of this family."""
