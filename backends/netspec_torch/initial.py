"""Initial values in generated PyTorch modules, by the functions of `torch.nn.init`.

They draw from the distribution that the spec names; netspec itself sets other values over them.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod

from netspec.backend.emit.code import arguments, call, literal
from netspec.backend.emit.document import Document
from netspec.language.layers import Weight
from netspec.language.layers.axes import DENSE, SPACE, TRANSPOSED
from netspec.language.layers.initializers import (
    Constant,
    GlorotUniform,
    Identity,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    Scaled,
    TruncatedNormal,
    UnitForgetBias,
    VarianceScaling,
    Zeros,
    resolve,
)
from netspec.language.layers.tagged import Tagged
from netspec_torch.lower.base import unfolded


def lines(
    target: str,
    weight: Weight,
    axes: tuple[int, ...] = (),
    split: tuple[int, int] | None = None,
) -> list[Document]:
    """The statements that fill the tensor `target`, in the body of a method.

    `axes` is the permutation of the weight's axes, and `split` the sizes of a depthwise kernel.
    """
    if isinstance(weight.initializer, UnitForgetBias):
        return _unit_forget_bias(target, weight, weight.initializer)
    if isinstance(weight.initializer, Orthogonal) and (split or not _keeps_matrix(weight, axes)):
        return _orthogonal(target, weight, weight.initializer.gain, axes, split)
    head, values = _initial_value(weight)
    filled = call(f"nn.init.{head}", [target, *values])
    gain = getattr(weight.initializer, "gain", 1.0)
    if head == "eye_" and gain != 1.0:
        return [filled, call(f"{target}.data.mul_", [literal(gain)])]
    return [filled]


def _unit_forget_bias(target: str, weight: Weight, initializer: UnitForgetBias) -> list[Document]:
    """The statements for the parts of an LSTM's bias, which are drawn one by one."""
    before, gate, behind = initializer.parts(weight.size)
    ones = f"nn.init.ones_({target}.data[{gate.start}:{gate.stop}])"
    others = initializer.others
    if isinstance(others, Scaled | VarianceScaling):  # their scale follows from a part's size
        parts = [
            (f"{target}.data[:{before.stop}]", before.stop),
            (f"{target}.data[{behind.start}:]", behind.stop - behind.start),
        ]
    else:
        parts = [(target, weight.size)]
    filled = [
        line
        for place, size in parts
        for line in lines(place, replace(weight, shape=(size,), initializer=others))
    ]
    return [*filled, ones]


def _keeps_matrix(weight: Weight, axes: tuple[int, ...]) -> bool:
    """Whether PyTorch's matrix of a tensor, its first axis by the rest, is Keras's, transposed.

    The matrix of Keras is all axes but the last by the last.
    """
    return axes[0] == len(weight.shape) - 1


def _orthogonal(
    target: str, weight: Weight, gain: float, axes: tuple[int, ...], split: tuple[int, int] | None
) -> list[Document]:
    """The statements that draw the matrix of Keras's axes, of which all but the last are rows."""
    *rows, columns = weight.shape
    matrix = f"matrix = nn.init.orthogonal_(torch.empty({prod(rows)}, {columns}), gain={gain})"
    if split:
        copied = f"kernel.copy_(matrix.view{weight.shape}.permute{axes})"
        return [unfolded(f"{target}.data", split), matrix, copied]
    ordered = "matrix"
    if axes != tuple(range(len(axes))):
        ordered = f"matrix.view{weight.shape}.permute{axes}"
    return [matrix, f"{target}.data.copy_({ordered}.reshape({target}.shape))"]


_SCALED_BY_PYTORCH = {*SPACE, *DENSE, *TRANSPOSED}
"""The axes of the kernels whose fans PyTorch counts as Keras does."""


def _initial_value(weight: Weight) -> tuple[str, list[str]]:
    """PyTorch's function for an initializer, and its arguments after the tensor."""
    if isinstance(weight.initializer, GlorotUniform) and {*weight.axes} <= _SCALED_BY_PYTORCH:
        return "xavier_uniform_", []
    return _nn_init(resolve(weight.initializer, weight.fans))


def _nn_init(initializer: Tagged) -> tuple[str, list[str]]:
    match initializer:
        case Zeros():
            return "zeros_", []
        case Ones():
            return "ones_", []
        case Constant(value=value):
            return "constant_", arguments([value], {})
        case RandomNormal(mean=mean, stddev=stddev):
            return "normal_", arguments([mean, stddev], {})
        case RandomUniform(minval=low, maxval=high):
            return "uniform_", arguments(sorted([low, high]), {})
        case TruncatedNormal(mean=mean, stddev=0.0):
            return "constant_", arguments([mean], {})
        case TruncatedNormal(mean=mean, stddev=stddev):
            cut = [mean - 2 * stddev, mean + 2 * stddev]
            return "trunc_normal_", arguments([mean, stddev, *cut], {})
        case Orthogonal(gain=gain):
            return "orthogonal_", arguments([], {"gain": gain})
        case Identity():
            return "eye_", []
        case _:
            raise NotImplementedError(initializer)
