"""The arithmetic of sliding windows, which convolutions and pooling share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field

from netspec.language.remedies import Remedy, unexpected

Size: TypeAlias = Annotated[int, Field(gt=0, le=1_000_000)]
Cells: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000)]


def _explain_sizes(choices: str) -> Remedy:
    """The remedy for a size, which other frameworks take as a padding."""
    layer = "- ZeroPadding2D: {padding: 1}"
    help = f"there are {choices}; padding of a size is a layer, as in `{layer}`"
    return Remedy(lambda value: help if isinstance(value, int) else None)


Padding: TypeAlias = Annotated[Literal["valid", "same"], _explain_sizes("valid and same")]
CausalPadding: TypeAlias = Annotated[
    Literal["valid", "same", "causal"], _explain_sizes("valid, same and causal")
]

_SIZES = {
    1: ("one", "write 3"),
    2: ("two", "write 3 for 3x3, or [3, 5] for 3x5"),
    3: ("three", "write 3 for 3x3x3, or [3, 5, 7] for 3x5x7"),
}
"""How many sizes a list holds, and how to write them."""


def _for_all(axes: int) -> Callable[[object], object]:
    """For two axes 3 is (3, 3), as in Keras, and a list of two becomes a tuple."""

    def repeated(value: object) -> object:
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,) * axes
        if isinstance(value, list | tuple) and len(value) == axes:  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
            return tuple(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as above
        count, remedy = _SIZES[axes]
        raise unexpected(f"a whole number or a list of {count}", remedy)

    return repeated


Single: TypeAlias = Annotated[
    tuple[Size], BeforeValidator(_for_all(1), json_schema_input_type=Size | tuple[Size])
]
Pair: TypeAlias = Annotated[
    tuple[Size, Size], BeforeValidator(_for_all(2), json_schema_input_type=Size | tuple[Size, Size])
]
Triple: TypeAlias = Annotated[
    tuple[Size, Size, Size],
    BeforeValidator(_for_all(3), json_schema_input_type=Size | tuple[Size, Size, Size]),
]

CellsOfLine: TypeAlias = Annotated[
    tuple[Cells], BeforeValidator(_for_all(1), json_schema_input_type=Cells | tuple[Cells])
]
CellsOfImage: TypeAlias = Annotated[
    tuple[Cells, Cells],
    BeforeValidator(_for_all(2), json_schema_input_type=Cells | tuple[Cells, Cells]),
]
CellsOfVolume: TypeAlias = Annotated[
    tuple[Cells, Cells, Cells],
    BeforeValidator(_for_all(3), json_schema_input_type=Cells | tuple[Cells, Cells, Cells]),
]


def by(sizes: Sequence[int]) -> str:
    """(3, 3) as 3x3."""
    return "x".join(str(size) for size in sizes)


def extent(kernel: int, dilation: int) -> int:
    """How many positions a dilated kernel spans."""
    return (kernel - 1) * dilation + 1


def windows(size: int, kernel: int, stride: int, padding: CausalPadding) -> int:
    """How many windows of `kernel` positions fit into `size` positions. 0 where none does."""
    if padding != "valid":
        return -(-size // stride)
    return max(0, (size - kernel) // stride + 1)


def pads(size: int, kernel: int, stride: int, padding: CausalPadding) -> tuple[int, int]:
    """The padding before and after. 'same' puts the odd one at the end, as TensorFlow does."""
    if padding == "valid":
        return 0, 0
    if padding == "causal":
        return kernel - 1, 0
    total = max(0, (windows(size, kernel, stride, padding) - 1) * stride + kernel - size)
    return total // 2, total - total // 2


def read(
    size: int,
    kernel: int,
    stride: int,
    padding: CausalPadding,
    part: tuple[int, int],
) -> tuple[int, int]:
    """Which of `size` positions the windows in `part` see: the first, and the one after the last.

    Along an axis with padding they see all: fewer positions would be padded in another way.
    """
    first, behind = part
    before, after = pads(size, kernel, stride, padding)
    last = (behind - 1) * stride + kernel - before
    if (before, after) == (0, 0):
        return first * stride, last
    if padding == "causal" and first == 0:
        return 0, min(size, last)
    return 0, size


def reads(
    shape: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    padding: CausalPadding,
    part: tuple[tuple[int, int], ...],
) -> tuple[tuple[int, int], ...]:
    """What windows see of a tensor (…space, channels), for a part of their output."""
    *space, channels = shape
    axes = zip(space, kernel, strides, part[:-1], strict=True)
    seen = (read(size, cells, stride, padding, interval) for size, cells, stride, interval in axes)
    return (*seen, (0, channels))


def spread(size: int, kernel: int, stride: int, padding: Padding, extra: int | None) -> int:
    """The size of the output of a transposed convolution; `extra` is its output_padding.

    As _get_output_shape_given_tf_padding in Keras (keras/src/backend/common/backend_utils.py,
    3.15).
    """
    if padding == "valid":
        return (size - 1) * stride + kernel + (max(0, stride - kernel) if extra is None else extra)
    if extra is None:
        return size * stride
    return (size - 1) * stride + kernel % 2 + extra


def crops(
    size: int, kernel: int, stride: int, padding: Padding, extra: int | None
) -> tuple[int, int]:
    """The positions that a transposed convolution drops of all that it reaches, before and after.

    Below 0 it is the number of positions added at the end, which nothing reaches. 'same' drops the
    odd one at the end, as TensorFlow does.
    """
    total = (size - 1) * stride + kernel - spread(size, kernel, stride, padding, extra)
    before = max(0, total) // 2
    return before, total - before
