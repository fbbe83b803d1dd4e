"""Regularizers and constraints in generated PyTorch modules, by Keras's formulas."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, literal
from netspec.language.layers import Weight
from netspec.language.layers.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from netspec.language.layers.regularizers import factors


def terms(target: str, weight: Weight) -> list[str]:
    """The penalties on the tensor `target`, as expressions."""
    if weight.regularizer is None or not weight.trainable:
        return []
    l1, l2 = factors(weight.regularizer)
    absolute = [f"{literal(l1)} * {target}.abs().sum()"] if l1 else []
    squared = [f"{literal(l2)} * {target}.square().sum()"] if l2 else []
    return absolute + squared


def constrained(
    target: str, constraint: Constraint, axes: tuple[int, ...]
) -> tuple[str, tuple[str, ...]]:
    """The tensor `target` within a constraint, and the function of the module that this takes.

    `axes` are the axes of the tensor that the norms are taken along.
    """
    match constraint:
        case NonNeg():
            return f"{target}.clamp(min=0)", ()
        case MaxNorm(max_value=maximum):
            return _call("max_norm", target, maximum, axes)
        case UnitNorm():
            return _call("unit_norm", target, axes)
        case MinMaxNorm(min_value=minimum, max_value=maximum, rate=rate):
            return _call("min_max_norm", target, minimum, maximum, rate, axes)


def _call(name: str, target: str, *values: object) -> tuple[str, tuple[str, ...]]:
    return f"{name}({', '.join([target, *arguments(values, {})])})", (name,)
