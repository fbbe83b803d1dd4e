"""Pooling: a sequence, an image or a volume in fewer positions."""

from __future__ import annotations

from abc import abstractmethod
from math import prod
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from netspec.language.layers.base import (
    Extents,
    Kept,
    Layer,
    Layout,
    Linear,
    Shape,
    Shapes,
    WindowFault,
    kind,
    spatial,
)
from netspec.language.layers.window import Padding, Pair, Single, Triple, by, reads, windows

PaddingField: TypeAlias = Annotated[
    Padding, Field(description="'valid' drops windows that do not fit; 'same' keeps them.")
]

_STEPS = "Steps of the window, in positions. Without them, pool_size."


class WindowPooling(Layer):
    """One value for every window of positions, channel by channel.

    Input (…space, channels), output (…space', channels).
    """

    rank: ClassVar[int]
    """The number of spatial axes."""

    padding: PaddingField = "valid"

    @property
    @abstractmethod
    def window(self) -> tuple[int, ...]:
        """The size of the window along every axis."""

    @property
    @abstractmethod
    def steps(self) -> tuple[int, ...]:
        """The strides, where none are written the size of the window."""

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_first"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = spatial(shape, self.tag, self.rank)
        if self.padding == "valid" and any(
            cells > size for cells, size in zip(self.window, space, strict=True)
        ):
            raise WindowFault(
                f"a window of {by(self.window)} does not fit into {kind(self.rank)} of {by(space)}",
                "use padding: same, a smaller window, or fewer pooling layers before this one",
                "pool_size",
            )
        axes = zip(space, self.window, self.steps, strict=True)
        return *(windows(*axis, self.padding) for axis in axes), channels

    def reads(self, part: Extents, inputs: Shapes) -> tuple[Extents, ...]:
        return (reads(inputs[0], self.window, self.steps, self.padding, part),)


class Pooling1D(WindowPooling):
    """One value for every window of a sequence, channel by channel."""

    rank = 1

    pool_size: Annotated[Single, Field(description="Length of the window.")] = (2,)
    strides: Annotated[Single | None, Field(description=_STEPS)] = None

    @property
    def window(self) -> tuple[int]:
        return self.pool_size

    @property
    def steps(self) -> tuple[int]:
        return self.strides or self.pool_size


class Pooling2D(WindowPooling):
    """One value for every window of an image, channel by channel."""

    rank = 2

    pool_size: Annotated[Pair, Field(description="Height and width of the window.")] = (2, 2)
    strides: Annotated[Pair | None, Field(description=_STEPS)] = None

    @property
    def window(self) -> tuple[int, int]:
        return self.pool_size

    @property
    def steps(self) -> tuple[int, int]:
        return self.strides or self.pool_size


class Pooling3D(WindowPooling):
    """One value for every window of a volume, channel by channel."""

    rank = 3

    pool_size: Annotated[Triple, Field(description="Depth, height and width of the window.")] = (
        2,
        2,
        2,
    )
    strides: Annotated[Triple | None, Field(description=_STEPS)] = None

    @property
    def window(self) -> tuple[int, int, int]:
        return self.pool_size

    @property
    def steps(self) -> tuple[int, int, int]:
        return self.strides or self.pool_size


class MaxPooling(WindowPooling):
    """The largest value of every window. Training keeps its index, which has 64 bits."""

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(inputs=True, values=2 * prod(output))


class MaxPooling1D(MaxPooling, Pooling1D):
    """The largest value of every window.

    y[i, c] = max over a of x[i s + a, c]. Padding never wins. Input (steps, channels), output
    (steps', channels).
    """

    tag = "MaxPooling1D"


class MaxPooling2D(MaxPooling, Pooling2D):
    """The largest value of every window.

    y[i, j, c] = max over a, b of x[i s + a, j s + b, c]. Padding never wins. Input (height, width,
    channels), output (height', width', channels).
    """

    tag = "MaxPooling2D"


class MaxPooling3D(MaxPooling, Pooling3D):
    """The largest value of every window.

    y[i, j, k, c] = max over a, b, d of x[i s + a, j s + b, k s + d, c]. Padding never wins. Input
    (depth, height, width, channels), output (depth', height', width', channels).
    """

    tag = "MaxPooling3D"


class AveragePooling(WindowPooling):
    """The mean of every window."""


class AveragePooling1D(AveragePooling, Pooling1D):
    """The mean of every window.

    y[i, c] = mean over a of x[i s + a, c]. Padding does not count. Input (steps, channels), output
    (steps', channels).
    """

    tag = "AveragePooling1D"


class AveragePooling2D(AveragePooling, Pooling2D):
    """The mean of every window.

    y[i, j, c] = mean over a, b of x[i s + a, j s + b, c]. Padding does not count. Input (height,
    width, channels), output (height', width', channels).
    """

    tag = "AveragePooling2D"


class AveragePooling3D(AveragePooling, Pooling3D):
    """The mean of every window.

    y[i, j, k, c] = mean over a, b, d of x[i s + a, j s + b, k s + d, c]. Padding does not count.
    Input (depth, height, width, channels), output (depth', height', width', channels).
    """

    tag = "AveragePooling3D"


class GlobalPooling(Layer):
    """One value for every channel.

    Input (…space, channels), output (channels), or (1, …, channels) with `keepdims`.
    """

    rank: ClassVar[int]
    """The number of spatial axes."""

    keepdims: Annotated[bool, Field(description="Keep the axes of space, as axes of 1.")] = False

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_first"

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        return Kept(inputs=True, output=True)

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        _, channels = spatial(shape, self.tag, self.rank)
        return *([1] * self.rank if self.keepdims else []), channels


class GlobalMaxPooling(GlobalPooling):
    """The largest value of every channel."""


class GlobalMaxPooling1D(GlobalMaxPooling):
    """The largest value of every channel.

    y[c] = max over i of x[i, c]. Input (steps, channels), output (channels), or (1, channels) with
    `keepdims`.
    """

    tag = "GlobalMaxPooling1D"
    rank = 1


class GlobalMaxPooling2D(GlobalMaxPooling):
    """The largest value of every channel.

    y[c] = max over i, j of x[i, j, c]. Input (height, width, channels), output (channels), or
    (1, 1, channels) with `keepdims`.
    """

    tag = "GlobalMaxPooling2D"
    rank = 2


class GlobalMaxPooling3D(GlobalMaxPooling):
    """The largest value of every channel.

    y[c] = max over i, j, k of x[i, j, k, c]. Input (depth, height, width, channels), output
    (channels), or (1, 1, 1, channels) with `keepdims`.
    """

    tag = "GlobalMaxPooling3D"
    rank = 3


class GlobalAveragePooling(Linear, GlobalPooling):
    """The mean of every channel."""


class GlobalAveragePooling1D(GlobalAveragePooling):
    """The mean of every channel.

    y[c] = mean over i of x[i, c]. Input (steps, channels), output (channels), or (1, channels) with
    `keepdims`.
    """

    tag = "GlobalAveragePooling1D"
    rank = 1


class GlobalAveragePooling2D(GlobalAveragePooling):
    """The mean of every channel.

    y[c] = mean over i, j of x[i, j, c]. Input (height, width, channels), output (channels), or
    (1, 1, channels) with `keepdims`.
    """

    tag = "GlobalAveragePooling2D"
    rank = 2


class GlobalAveragePooling3D(GlobalAveragePooling):
    """The mean of every channel.

    y[c] = mean over i, j, k of x[i, j, k, c]. Input (depth, height, width, channels), output
    (channels), or (1, 1, 1, channels) with `keepdims`.
    """

    tag = "GlobalAveragePooling3D"
    rank = 3
