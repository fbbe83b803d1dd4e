"""The roles of a weight's axes, from which fans and the orders of other frameworks follow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Literal, TypeAlias

Fan: TypeAlias = Literal["in", "out", "both"]


@dataclass(frozen=True)
class Axis:
    """An axis of a weight.

    `role` is what its indices count. `fan` is where initializers count its size: among the inputs
    of a unit, among the outputs, or in both, as the positions of a kernel.
    """

    role: str
    fan: Fan


WeightAxes: TypeAlias = tuple[Axis, ...]
"""The axes of a weight in Keras's order, each with another role."""

INPUT = Axis("input", "in")
OUTPUT = Axis("output", "out")
MULTIPLIER = Axis("multiplier", "out")
INDEX = Axis("index", "in")
SPACE = (Axis("depth", "both"), Axis("height", "both"), Axis("width", "both"))

DENSE = (INPUT, OUTPUT)
DEPTHWISE = (INPUT, MULTIPLIER)
TRANSPOSED = (Axis("output", "in"), Axis("input", "out"))
"""The last axes of a transposed convolution's kernel.

Keras counts its fans as for the convolution in the other direction, from outputs to inputs.
"""

_KERNEL_ROLES = {axis.role for axis in (*SPACE, INPUT, OUTPUT, MULTIPLIER)}


def elements(*roles: str) -> WeightAxes:
    """The axes of a weight that has a number for every element, such as a bias or a scale.

    For such weights Keras counts fans as for a kernel, whose last axes are input and output; the
    one axis of a vector is in both (keras/src/initializers/random_initializers.py, 3.15).
    """
    *places, last = (Axis(role, "both") for role in roles)
    if not places:
        return (last,)
    *places, before = places
    return (*places, replace(before, fan="in"), replace(last, fan="out"))


def fans(axes: WeightAxes, shape: Sequence[int]) -> tuple[int, int]:
    """The numbers of inputs and outputs of a unit of a weight, which scale its initial values.

    >>> fans((*SPACE[1:], INPUT, OUTPUT), (3, 3, 16, 32))
    (144, 288)
    """
    sizes = [*zip(axes, shape, strict=True)]
    return (
        prod(size for axis, size in sizes if axis.fan != "out"),
        prod(size for axis, size in sizes if axis.fan != "in"),
    )


def channels_first(axes: WeightAxes) -> tuple[int, ...]:
    """The permutation that brings a kernel to the order of PyTorch and ONNX.

    Outputs are first, then inputs, then space; for a transposed convolution inputs are first. A
    depthwise kernel has every input with its multipliers. Weights that are no kernels stay as they
    are.

    >>> channels_first((*SPACE[1:], INPUT, OUTPUT)), channels_first((INDEX, OUTPUT))
    ((3, 2, 0, 1), (0, 1))
    """
    order = range(len(axes))
    if not {axis.role for axis in axes} <= _KERNEL_ROLES:
        return tuple(order)
    places = {"out": 0, "in": 1, "both": 2}
    return tuple(
        sorted(order, key=lambda index: 1 if axes[index] == MULTIPLIER else places[axes[index].fan])
    )
