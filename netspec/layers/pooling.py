"""Pooling: an image in fewer cells."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from netspec.layers.base import LayerBase, LayerFault, Layout, Shape, image
from netspec.layers.window import Padding, Pair, by, windows


class Pooling2D(LayerBase):
    """One value for every window of an image, channel by channel."""

    pool_size: Annotated[Pair, Field(description="Height and width of the window.")] = (2, 2)
    strides: Annotated[
        Pair | None, Field(description="Steps of the window, in cells. Without them, pool_size.")
    ] = None
    padding: Annotated[
        Padding,
        Field(description="'valid' drops windows that do not fit; 'same' keeps them."),
    ] = "valid"

    @property
    def steps(self) -> tuple[int, int]:
        """The strides, where none are written the pool size."""
        return self.strides or self.pool_size

    def layout(self, shape: Shape) -> Layout:
        return "channels_first"

    def output_shape(self, shape: Shape) -> Shape:
        height, width, channels = image(shape, self.tag)
        if self.padding == "valid" and (self.pool_size[0] > height or self.pool_size[1] > width):
            raise LayerFault(
                f"a window of {by(self.pool_size)} does not fit into an image of {height}x{width}",
                "use padding: same, a smaller window, or fewer pooling layers before this one",
                "pool_size",
            )
        rows = windows(height, self.pool_size[0], self.steps[0], self.padding)
        columns = windows(width, self.pool_size[1], self.steps[1], self.padding)
        return rows, columns, channels


class MaxPooling2D(Pooling2D):
    """The largest value of every window.

    y[i, j, c] = max over a, b of x[i s + a, j s + b, c]. Padding never wins. Input (height, width,
    channels), output (height', width', channels).
    """

    tag = "MaxPooling2D"


class AveragePooling2D(Pooling2D):
    """The mean of every window.

    y[i, j, c] = mean over a, b of x[i s + a, j s + b, c]. Padding does not count. Input (height,
    width, channels), output (height', width', channels).
    """

    tag = "AveragePooling2D"


class GlobalAveragePooling2D(LayerBase):
    """The mean of every channel.

    y[c] = mean over i, j of x[i, j, c]. Input (height, width, channels), output (channels), or
    (1, 1, channels) with `keepdims`.
    """

    tag = "GlobalAveragePooling2D"

    keepdims: Annotated[bool, Field(description="Keep height and width as axes of 1.")] = False

    def layout(self, shape: Shape) -> Layout:
        return "channels_first"

    def output_shape(self, shape: Shape) -> Shape:
        _, _, channels = image(shape, self.tag)
        return (1, 1, channels) if self.keepdims else (channels,)


Pooling: TypeAlias = MaxPooling2D | AveragePooling2D | GlobalAveragePooling2D
"""The layers of this family."""
