"""What is done to values before a network sees them: scaling, normalizing, resizing."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from math import sqrt
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.layers.base import (
    Axes,
    LayerFault,
    Layout,
    Linear,
    Pointwise,
    SameShape,
    Shape,
    Shapes,
    axis_index,
    image,
    written,
)
from netspec.language.layers.initializers import Float32, NotNegative
from netspec.language.layers.shaping import Sides
from netspec.language.layers.tagged import as_tuple
from netspec.language.layers.window import Size
from netspec.language.remedies import unexpected

EPSILON = 1e-7
"""Keras's least standard deviation (keras/src/backend/config.py, 3.15)."""


def _one_or_several(value: object) -> object:
    """A number as the tuple of it, which means the same everywhere along an axis."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, list | tuple):
        return as_tuple(value)  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
    raise unexpected("a number or a list of numbers", "write 0.5, or [0.5, 1, 2]")


Numbers: TypeAlias = Annotated[
    tuple[Float32, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_several, json_schema_input_type=Float32 | list[Float32]),
]
"""One number for all values, or one for each index of an axis."""

Variances: TypeAlias = Annotated[
    tuple[NotNegative, ...],
    Field(min_length=1),
    BeforeValidator(_one_or_several, json_schema_input_type=NotNegative | list[NotNegative]),
]


def along(count: int, axis: int, rank: int, layout: Layout) -> Shape:
    """The shape in which `count` numbers run along an axis of a tensor with `rank` axes.

    It is broadcast to the shape of the tensor in memory; axes of 1 in front are left out.
    """
    places = [rank - 1, *range(rank - 1)] if layout == "channels_first" else list(range(rank))
    return (count, *(1 for _ in places[places.index(axis) + 1 :]))


class Rescaling(Linear, Pointwise):
    """The values times `scale`, plus `offset`.

    y[…, c] = x[…, c] scale[c] + offset[c], where a single number serves all channels. Input
    (…, channels), output (…, channels).
    """

    tag = "Rescaling"
    keeps_whole = True

    scale: Annotated[Numbers, Field(description="The factor, or one for each channel.")]
    offset: Annotated[
        Numbers, Field(description="What is added afterwards, or one for each channel.")
    ] = (0.0,)

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        for field, numbers in (("scale", self.scale), ("offset", self.offset)):
            _check_count(field, numbers, shape, len(shape) - 1)
        return shape


class Division(SameShape, Linear, Pointwise):
    """The values divided by a number.

    No spec names it: a graph that takes pixels as they are stored begins with it. Input (…), output
    (…).
    """

    tag = "Division"

    divisor: float


class Normalization(Linear):
    """The values less their mean, in standard deviations.

    y = (x - mean) / max(sqrt(variance), 1e-7), and with `invert` the other way around: y = x
    max(sqrt(variance), 1e-7) + mean. Lists run along the last of the axes in `axis`. Input (…),
    output (…).
    """

    tag = "Normalization"

    axis: Annotated[
        Axes | None,
        Field(description="The axes whose indices have separate numbers; null for none."),
    ] = (-1,)
    mean: Annotated[Numbers, Field(description="The mean, or one for each index of the axis.")]
    variance: Annotated[
        Variances, Field(description="The variance, or one for each index of the axis.")
    ]
    invert: Annotated[bool, Field(description="Undo the normalization.")] = False

    @property
    def deviation(self) -> tuple[float, ...]:
        """The standard deviations that are divided by."""
        return tuple(max(sqrt(variance), EPSILON) for variance in self.variance)

    def listed_axis(self, shape: Shape) -> int:
        """The index of the axis that lists run along; the last one where no axis has any."""
        return max((axis_index(axis, shape) for axis in self.axis or ()), default=len(shape) - 1)

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        axis = self.listed_axis(shape)
        if len(self.mean) != len(self.variance):
            raise LayerFault(
                f"mean has {len(self.mean)} numbers, and variance {len(self.variance)}",
                "write equally many numbers in both",
                "variance",
            )
        if not self.axis and len(self.mean) > 1:
            message = f"mean has {len(self.mean)} numbers, and no axis to run along"
            raise LayerFault(message, "name the axis, or write one number", "mean")
        _check_count("mean", self.mean, shape, axis)
        return shape


def _check_count(field: str, numbers: tuple[float, ...], shape: Shape, axis: int) -> None:
    if len(numbers) not in (1, shape[axis]):
        raise LayerFault(
            f"{field} has {len(numbers)} numbers, and axis {axis + 1} of {written(shape)} the "
            f"size {shape[axis]}",
            "write one number for all, or one for each index of the axis",
            field,
        )


@dataclass(frozen=True)
class Fit:
    """How an image comes to its new size: pixels cut off, pixels added, and then interpolation."""

    cut: tuple[Sides, Sides]
    added: tuple[Sides, Sides]
    size: tuple[int, int]
    """What is left before the interpolation."""


_NONE: tuple[Sides, Sides] = ((0, 0), (0, 0))


class Fitting(Linear):
    """An image at another size."""

    height: Annotated[Size, Field(description="The height of the output.")]
    width: Annotated[Size, Field(description="The width of the output.")]

    @abstractmethod
    def fit(self, shape: Shape) -> Fit:
        """What is done to an image of `shape`."""

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_first"

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        _, _, channels = image(shape, self.tag)
        return self.height, self.width, channels

    def in_proportion(self, shape: Shape) -> tuple[int, int]:
        """The height that goes with the image's width in the output's proportions, and the width.

        Keras divides in float32, with the same result up to products of 2^24.
        """
        height, width, _ = shape
        return width * self.height // self.width, height * self.width // self.height

    def largest_window(self, shape: Shape) -> Fit:
        """The largest window in the middle that has the output's proportions."""
        height, width, _ = shape
        rows, columns = self.in_proportion(shape)
        rows, columns = max(1, min(height, rows)), max(1, min(width, columns))
        return Fit((_halved(height - rows), _halved(width - columns)), _NONE, (rows, columns))


def _halved(cells: int) -> Sides:
    """Pixels to cut off at both ends of an axis; the odd one goes at the end."""
    return cells // 2, cells - cells // 2


class CenterCrop(Fitting):
    """The middle of an image.

    y[i, j, c] = x[i + top, j + left, c], where top = floor((height of x - height) / 2), and left
    likewise. Of an image that is smaller, the largest window with the proportions of the output is
    resized by bilinear interpolation. Input (height', width', channels), output (height, width,
    channels). Source: keras/src/layers/preprocessing/image_preprocessing/center_crop.py, 3.15.
    """

    tag = "CenterCrop"

    def fit(self, shape: Shape) -> Fit:
        rows, columns = shape[0] - self.height, shape[1] - self.width
        if rows < 0 or columns < 0:
            return self.largest_window(shape)
        return Fit((_halved(rows), _halved(columns)), _NONE, (self.height, self.width))


class Resizing(Fitting):
    """An image at another size, interpolated.

    With `bilinear`, y[i, j, c] lies at ((i + 1/2) a - 1/2, (j + 1/2) b - 1/2) between the pixels of
    x, where the edge goes on outside; with `nearest`, y[i, j, c] = x[floor((i + 1/2) a), floor((j +
    1/2) b), c]. Here a = height of x / height, b = width of x / width. Input (height', width',
    channels), output (height, width, channels). Source: keras/src/backend/tensorflow/image.py,
    3.15.
    """

    tag = "Resizing"

    interpolation: Annotated[
        Literal["bilinear", "nearest"], Field(description="How values between pixels are computed.")
    ] = "bilinear"
    crop_to_aspect_ratio: Annotated[
        bool, Field(description="Cut the image to the output's proportions first.")
    ] = False
    pad_to_aspect_ratio: Annotated[
        bool, Field(description="Pad the image to the output's proportions first.")
    ] = False
    fill_mode: Annotated[
        Literal["constant"], Field(description="What the padding holds: fill_value.")
    ] = "constant"
    fill_value: Annotated[Float32, Field(description="The value of the padding.")] = 0.0

    def infer_shape(self, inputs: Shapes) -> Shape:
        if self.crop_to_aspect_ratio and self.pad_to_aspect_ratio:
            raise LayerFault(
                "crop_to_aspect_ratio and pad_to_aspect_ratio exclude each other",
                "choose one of them",
                "pad_to_aspect_ratio",
            )
        return super().infer_shape(inputs)

    def fit(self, shape: Shape) -> Fit:
        height, width, _ = shape
        if self.crop_to_aspect_ratio:
            return self.largest_window(shape)
        if not self.pad_to_aspect_ratio:
            return Fit(_NONE, _NONE, (height, width))
        rows, columns = self.in_proportion(shape)
        # As many pixels on both sides, so that an odd one is left out.
        above, left = max(0, rows - height) // 2, max(0, columns - width) // 2
        size = (height + 2 * above, width + 2 * left)
        return Fit(_NONE, ((above, above), (left, left)), size)
