"""Layers that move values without changing them: reshaping, padding, cropping, upsampling."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from math import prod
from typing import Annotated, ClassVar, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.layers.base import (
    LayerFault,
    Layout,
    Linear,
    Shape,
    Shapes,
    kind,
    spatial,
    written,
)
from netspec.language.layers.tagged import as_tuple
from netspec.language.layers.window import Pair, Size, Triple, by
from netspec.language.remedies import Remedy, unexpected

Cells: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]
"""Positions added or cut off; there may be none."""

Sides: TypeAlias = tuple[Cells, Cells]
"""Positions before and after an axis."""

_FOR_SIDES = {
    1: ("two", "write 1 for both sides, or [1, 2] for the front and the back"),
    2: ("two", "write 1 for all sides, [1, 2] for height and width, or [[1, 2], [3, 4]]"),
    3: ("three", "write 1 for all sides, [1, 2, 3], or [[1, 2], [3, 4], [5, 6]]"),
}
"""How many items a list holds, and how to write them."""


def _sides(axes: int) -> Callable[[object], object]:
    """A number for all sides, or for both sides of an axis, as Keras takes it."""

    def repeated(value: object) -> object:
        if _is_count(value):
            return _both(value) if axes == 1 else (_both(value),) * axes
        if isinstance(value, list | tuple) and len(value) == max(2, axes):  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
            return tuple(value if axes == 1 else map(_both, value))  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as above
        count, remedy = _FOR_SIDES[axes]
        raise unexpected(f"a whole number or a list of {count}", remedy)

    return repeated


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _both(value: object) -> object:
    return (value, value) if _is_count(value) else as_tuple(value)


Sides1D: TypeAlias = Annotated[
    Sides, BeforeValidator(_sides(1), json_schema_input_type=Cells | Sides)
]
Sides2D: TypeAlias = Annotated[
    tuple[Sides, Sides],
    BeforeValidator(_sides(2), json_schema_input_type=Cells | tuple[Cells | Sides, Cells | Sides]),
]
Sides3D: TypeAlias = Annotated[
    tuple[Sides, Sides, Sides],
    BeforeValidator(
        _sides(3),
        json_schema_input_type=Cells | tuple[Cells | Sides, Cells | Sides, Cells | Sides],
    ),
]


class Reshape(Linear):
    """The same values under other axes, in their order, the last axis running fastest.

    Input (…), output `target_shape`.
    """

    tag = "Reshape"
    keeps_whole = True

    target_shape: Annotated[
        tuple[Annotated[int, Field(ge=-1)], ...],
        Field(
            min_length=1,
            description="The shape of the output. One axis may be -1: what is left for it.",
        ),
        Remedy("write it in brackets, as in [7, 7, -1]"),
        BeforeValidator(as_tuple),
    ]

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        target, size = self.target_shape, prod(shape)
        if target.count(-1) > 1:
            raise LayerFault(
                f"target_shape {list(target)} leaves {target.count(-1)} axes open",
                "write -1 for one axis at most",
                "target_shape",
            )
        known = prod(axis for axis in target if axis != -1)
        fits = known > 0 and (size % known == 0 if -1 in target else size == known)
        if not fits:
            raise LayerFault(
                f"an input of {written(shape)} has {size:,} values, which target_shape "
                f"{list(target)} cannot hold",
                "the product of the axes must be the same; -1 is the size that is left",
                "target_shape",
            )
        return tuple(size // known if axis == -1 else axis for axis in target)


class Permute(Linear):
    """The axes in another order.

    Axis i of the output is axis dims[i] of the input, counted from 1 after the batch axis. Input
    (…), output (the same sizes in the order of `dims`).
    """

    tag = "Permute"
    keeps_whole = True

    dims: Annotated[
        tuple[Size, ...],
        Field(min_length=1, description="The input's axes in their new order, from 1."),
        Remedy("write it in brackets, as in [2, 1]"),
        BeforeValidator(as_tuple),
    ]

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        axes = list(range(1, len(shape) + 1))
        if sorted(self.dims) != axes:
            raise LayerFault(
                f"dims {list(self.dims)} is no order of the axes of {written(shape)}",
                f"name each of {axes} once",
                "dims",
            )
        return tuple(shape[axis - 1] for axis in self.dims)


class RepeatVector(Linear):
    """A vector `n` times, as a sequence.

    y[i, c] = x[c] for i from 0 to n - 1. Input (channels), output (n, channels).
    """

    tag = "RepeatVector"
    keeps_whole = True

    n: Annotated[Size, Field(description="The number of steps of the output.")]

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        if len(shape) != 1:
            raise LayerFault(
                f"RepeatVector needs an input of (channels), and gets {written(shape)}",
                "put a Flatten before this layer",
            )
        return self.n, *shape


class InSpace(Linear):
    """A layer that changes only the sizes of space.

    Input (…space, channels), output (…space', channels).
    """

    rank: ClassVar[int]
    """The number of spatial axes."""

    def input_layout(self, inputs: Shapes) -> Layout:
        return "channels_first"


class ZeroPadding(InSpace):
    """Zeros around the values of space."""

    keeps_whole = True

    @property
    @abstractmethod
    def sides(self) -> tuple[Sides, ...]:
        """The zeros before and after every axis of space."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = spatial(shape, self.tag, self.rank)
        sizes = zip(space, self.sides, strict=True)
        return *(size + before + after for size, (before, after) in sizes), channels


class ZeroPadding1D(ZeroPadding):
    """Zeros before and after a sequence.

    y[i, c] = x[i - before, c], and 0 where there is no such step. Input (steps, channels), output
    (before + steps + after, channels).
    """

    tag = "ZeroPadding1D"
    rank = 1

    padding: Annotated[Sides1D, Field(description="Zeros on both sides, or [before, after].")] = (
        1,
        1,
    )

    @property
    def sides(self) -> tuple[Sides]:
        return (self.padding,)


class ZeroPadding2D(ZeroPadding):
    """Zeros around an image.

    y[i, j, c] = x[i - top, j - left, c], and 0 where there is no such pixel. Input (height, width,
    channels), output (top + height + bottom, left + width + right, channels).
    """

    tag = "ZeroPadding2D"
    rank = 2

    padding: Annotated[
        Sides2D,
        Field(
            description="Zeros on all sides, [height, width], or [[top, bottom], [left, right]]."
        ),
    ] = ((1, 1), (1, 1))

    @property
    def sides(self) -> tuple[Sides, Sides]:
        return self.padding


class ZeroPadding3D(ZeroPadding):
    """Zeros around a volume.

    y[i, j, k, c] = x[i - front, j - top, k - left, c], and 0 where there is no such voxel. Input
    (depth, height, width, channels), output the same with its padded sizes.
    """

    tag = "ZeroPadding3D"
    rank = 3

    padding: Annotated[
        Sides3D,
        Field(description="Zeros on all sides, a number an axis, or [before, after] an axis."),
    ] = ((1, 1), (1, 1), (1, 1))

    @property
    def sides(self) -> tuple[Sides, Sides, Sides]:
        return self.padding


class Cropping(InSpace):
    """The rest of space after positions at its sides are cut off."""

    keeps_whole = True

    @property
    @abstractmethod
    def sides(self) -> tuple[Sides, ...]:
        """The positions cut off before and after every axis of space."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = spatial(shape, self.tag, self.rank)
        if any(sum(sides) >= size for size, sides in zip(space, self.sides, strict=True)):
            cut = by([sum(sides) for sides in self.sides])
            raise LayerFault(
                f"nothing is left of {kind(self.rank)} of {by(space)} without {cut}",
                "cut off less than the size of every axis",
                "cropping",
            )
        sizes = zip(space, self.sides, strict=True)
        return *(size - sum(sides) for size, sides in sizes), channels


class Cropping1D(Cropping):
    """A sequence without its first and last steps.

    y[i, c] = x[i + before, c]. Input (steps, channels), output (steps - before - after, channels).
    """

    tag = "Cropping1D"
    rank = 1

    cropping: Annotated[
        Sides1D, Field(description="Steps cut off on both sides, or [before, after].")
    ] = (1, 1)

    @property
    def sides(self) -> tuple[Sides]:
        return (self.cropping,)


class Cropping2D(Cropping):
    """An image without its edges.

    y[i, j, c] = x[i + top, j + left, c]. Input (height, width, channels), output (height - top -
    bottom, width - left - right, channels).
    """

    tag = "Cropping2D"
    rank = 2

    cropping: Annotated[
        Sides2D,
        Field(
            description="Pixels cut off on all sides, [height, width], or [[top, bottom], "
            "[left, right]]."
        ),
    ] = ((0, 0), (0, 0))

    @property
    def sides(self) -> tuple[Sides, Sides]:
        return self.cropping


class Cropping3D(Cropping):
    """A volume without its edges.

    y[i, j, k, c] = x[i + front, j + top, k + left, c]. Input (depth, height, width, channels),
    output the same with its cropped sizes.
    """

    tag = "Cropping3D"
    rank = 3

    cropping: Annotated[
        Sides3D,
        Field(description="Voxels cut off on all sides, a number an axis, or [before, after]."),
    ] = ((1, 1), (1, 1), (1, 1))

    @property
    def sides(self) -> tuple[Sides, Sides, Sides]:
        return self.cropping


class UpSampling(InSpace):
    """Every position of space several times."""

    keeps_whole = True

    @property
    @abstractmethod
    def factors(self) -> tuple[int, ...]:
        """How often each position occurs, along every axis of space."""

    def infer_shape(self, inputs: Shapes) -> Shape:
        (shape,) = inputs
        space, channels = spatial(shape, self.tag, self.rank)
        sizes = zip(space, self.factors, strict=True)
        return *(size * factor for size, factor in sizes), channels


class UpSampling1D(UpSampling):
    """Every step `size` times.

    y[i, c] = x[floor(i / size), c]. Input (steps, channels), output (size steps, channels).
    """

    tag = "UpSampling1D"
    rank = 1

    size: Annotated[Size, Field(description="How often every step occurs in the output.")] = 2

    @property
    def factors(self) -> tuple[int]:
        return (self.size,)


class UpSampling2D(UpSampling):
    """An image with more pixels.

    With `nearest` every pixel is repeated: y[i, j, c] = x[floor(i / a), floor(j / b), c] for size
    (a, b). With `bilinear` the pixel at i is interpolated at (i + 1/2) / a - 1/2, where the edge
    goes on outside. Input (height, width, channels), output (a height, b width, channels).
    """

    tag = "UpSampling2D"
    rank = 2

    size: Annotated[Pair, Field(description="Factors of height and width.")] = (2, 2)
    interpolation: Annotated[
        Literal["nearest", "bilinear"], Field(description="How values between pixels are computed.")
    ] = "nearest"

    @property
    def factors(self) -> tuple[int, int]:
        return self.size


class UpSampling3D(UpSampling):
    """Every voxel of a volume several times.

    y[i, j, k, c] = x[floor(i / a), floor(j / b), floor(k / d), c] for size (a, b, d). Input (depth,
    height, width, channels), output (a depth, b height, d width, channels).
    """

    tag = "UpSampling3D"
    rank = 3

    size: Annotated[Triple, Field(description="Factors of depth, height and width.")] = (2, 2, 2)

    @property
    def factors(self) -> tuple[int, int, int]:
        return self.size
