"""What the families share: the dispatch on a layer's class, and windows."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import singledispatch
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Values: TypeAlias = NDArray[np.float64]
Own: TypeAlias = dict[str, Values]
"""The weights of a layer, by their names."""


@singledispatch
def compute(layer: object, w: Own, training: bool, *x: Values) -> Values:
    """The output of a layer for its inputs, each a batch (n, …), with its weights by name."""
    raise NotImplementedError(f"the NumPy backend has no {type(layer).__name__}")


def positions(
    x: Values,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: str,
    fill: float,
) -> Iterator[tuple[tuple[int, ...], Values]]:
    """The index of each position of a window, and the values (n, …, channels) that slide under it.

    `fill` is the value of the padding that 'same' adds.
    """
    space = x.shape[1:-1]
    if padding == "same":
        sides = [same(*axis) for axis in zip(space, window, strides, dilation, strict=True)]
        x = np.pad(x, [(0, 0), *sides, (0, 0)], constant_values=fill)
    counts = [
        (size - (reach - 1) * rate - 1) // step + 1
        for size, reach, rate, step in zip(x.shape[1:-1], window, dilation, strides, strict=True)
    ]
    for position in np.ndindex(*window):
        starts = [index * rate for index, rate in zip(position, dilation, strict=True)]
        slices = [
            slice(start, start + count * step, step)
            for start, count, step in zip(starts, counts, strides, strict=True)
        ]
        yield position, x[(slice(None), *slices)]


def same(size: int, window: int, stride: int, dilation: int) -> tuple[int, int]:
    """The padding of 'same' before and after an axis. An odd one is after it, as in TensorFlow."""
    span = (window - 1) * dilation + 1
    total = max(0, (math.ceil(size / stride) - 1) * stride + span - size)
    return total // 2, total - total // 2
