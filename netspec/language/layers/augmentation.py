"""Augmentation: every image is changed by chance in training, and none in prediction."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias, cast

from pydantic import AfterValidator, BeforeValidator, Field

from netspec.language.layers.base import Layout, Linear, Shape, Shapes, image
from netspec.language.layers.initializers import Float32
from netspec.language.remedies import unexpected

Range: TypeAlias = tuple[float, float]
"""The minimum and the maximum of the random value."""


def _range(value: object) -> Range:
    """0.2 is (-0.2, 0.2), as in Keras; of two numbers, the smaller comes first."""
    ends: list[object] = (
        list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]
    )
    numbers = [end for end in ends if isinstance(end, int | float) and not isinstance(end, bool)]
    if len(numbers) == len(ends) <= 2 and all(-1 <= number <= 1 for number in numbers):
        if len(numbers) == 1:
            return -abs(float(numbers[0])), abs(float(numbers[0]))
        if len(numbers) == 2:
            return float(min(numbers)), float(max(numbers))
    help = "write 0.2 for -0.2 to 0.2, or [-0.1, 0.3]"
    raise unexpected("a number from -1 to 1, or a list of two", help)


def _above_nothing(value: Range) -> Range:
    if value[0] == -1:
        expected = "a range that begins above -1, where nothing is left"
        raise unexpected(expected, "write 0.9, or [-0.5, 1]")
    return value


_INPUT = float | tuple[float, float]
Factor: TypeAlias = Annotated[Range, BeforeValidator(_range, json_schema_input_type=_INPUT)]


class Augmentation(Linear):
    """A layer that changes images only in training."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        image(shape, self.tag)
        return shape

    def input_layout(self, inputs: Shapes) -> Layout:
        return "either"


class RandomFlip(Augmentation):
    """Mirrors half of the images in training.

    y[i, j] = x[i, width - 1 - j] where the image is flipped horizontally, x[height - 1 - i, j]
    vertically, and both at once in the mode of both; at prediction y = x. Input (height, width,
    channels), output (height, width, channels).
    """

    tag = "RandomFlip"

    mode: Annotated[
        Literal["horizontal", "vertical", "horizontal_and_vertical"],
        Field(description="Along which axes images are mirrored."),
    ] = "horizontal_and_vertical"


class Moved(Augmentation):
    """Values come from other places of the image, which may lie outside of it."""

    fill_mode: Annotated[
        Literal["reflect", "wrap", "constant", "nearest"],
        Field(description="What lies outside: its mirror image, it again, a value, or its edge."),
    ] = "reflect"
    interpolation: Annotated[
        Literal["bilinear", "nearest"],
        Field(description="Whether values between pixels are mixed, or taken from the nearest."),
    ] = "bilinear"
    fill_value: Annotated[
        Float32, Field(description="The value outside, with fill_mode: constant.")
    ] = 0.0


class RandomTranslation(Moved):
    """Shifts every image in training.

    y[i, j] = x[i - u height, j - v width], with u and v drawn for every image from `height_factor`
    and `width_factor`; at prediction y = x. Input (height, width, channels), output (height, width,
    channels).
    """

    tag = "RandomTranslation"

    height_factor: Annotated[
        Factor, Field(description="The largest shift down, in heights, or the range of shifts.")
    ]
    width_factor: Annotated[
        Factor, Field(description="The largest shift right, in widths, or the range of shifts.")
    ]


class RandomRotation(Moved):
    """Turns every image about its middle in training.

    An image is turned by 2 pi u, with u drawn for it from `factor`; at prediction y = x. Input
    (height, width, channels), output (height, width, channels).
    """

    tag = "RandomRotation"

    factor: Annotated[
        Factor, Field(description="The largest turn, in full turns, or the range of turns.")
    ]


class RandomZoom(Moved):
    """Shrinks or enlarges every image about its middle in training.

    An image is seen from 1 + u times as far, with u drawn for it from `height_factor`, and the same
    u across, or one from `width_factor`; at prediction y = x. Input (height, width, channels),
    output (height, width, channels).
    """

    tag = "RandomZoom"

    height_factor: Annotated[
        Factor,
        AfterValidator(_above_nothing),
        Field(description="The largest change down, or the range; above 0 shrinks the image."),
    ]
    width_factor: Annotated[
        Annotated[Factor, AfterValidator(_above_nothing)] | None,
        Field(description="The same across. Without it, the change down."),
    ] = None
