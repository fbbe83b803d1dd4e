"""The arithmetic of sliding windows, which convolutions and pooling share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

Size: TypeAlias = Annotated[int, Field(gt=0, le=1_000_000)]
Padding: TypeAlias = Literal["valid", "same"]


def _both(value: object) -> object:
    """3 is (3, 3), as in Keras; a list of two becomes a tuple."""
    if isinstance(value, int) and not isinstance(value, bool):
        return (value, value)
    if isinstance(value, list | tuple) and len(value) == 2:  # pyright: ignore[reportUnknownArgumentType] - its items are checked after this
        return tuple(value)  # pyright: ignore[reportUnknownArgumentType,reportUnknownVariableType] - as above
    raise PydanticCustomError("pair", "a whole number or a list of two")


Pair: TypeAlias = Annotated[
    tuple[Size, Size], BeforeValidator(_both, json_schema_input_type=Size | tuple[Size, Size])
]


def by(sizes: Sequence[int]) -> str:
    """(3, 3) as 3x3."""
    return "x".join(str(size) for size in sizes)


def extent(kernel: int, dilation: int) -> int:
    """How many cells a dilated kernel spans."""
    return (kernel - 1) * dilation + 1


def windows(size: int, kernel: int, stride: int, padding: Padding) -> int:
    """How many windows of `kernel` cells fit into `size` cells. 0 where none does."""
    if padding == "same":
        return -(-size // stride)
    return max(0, (size - kernel) // stride + 1)


def pads(size: int, kernel: int, stride: int, padding: Padding) -> tuple[int, int]:
    """The cells added before and after. 'same' puts the odd one at the end, as TensorFlow does."""
    if padding == "valid":
        return 0, 0
    total = max(0, (windows(size, kernel, stride, padding) - 1) * stride + kernel - size)
    return total // 2, total - total // 2
