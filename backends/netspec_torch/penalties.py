"""Regularizers and constraints in generated PyTorch modules, by Keras's formulas."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, literal
from netspec.language.layers import Weight
from netspec.language.layers.constraints import Constraint, MaxNorm, MinMaxNorm, NonNeg, UnitNorm
from netspec.language.layers.regularizers import factors
from netspec_torch.lower import Part

_NORMS = Part(
    "norms",
    '''
def norms(w: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The norms of a weight along some of its axes, which stay as axes of size 1."""
    return w.square().sum(axes, keepdim=True).sqrt()
''',
)

_MAX_NORM = Part(
    "max_norm",
    '''
def max_norm(w: Tensor, max_value: float, axes: tuple[int, ...]) -> Tensor:
    """The weight with norms of at most max_value."""
    found = norms(w, axes)
    return w * (found.clamp(max=max_value) / (1e-7 + found))
''',
    (_NORMS,),
)

_UNIT_NORM = Part(
    "unit_norm",
    '''
def unit_norm(w: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The weight with norms of 1."""
    return w / (1e-7 + norms(w, axes))
''',
    (_NORMS,),
)

_MIN_MAX_NORM = Part(
    "min_max_norm",
    '''
def min_max_norm(
    w: Tensor, min_value: float, max_value: float, rate: float, axes: tuple[int, ...]
) -> Tensor:
    """The weight with norms moved towards the range by the rate."""
    found = norms(w, axes)
    wanted = rate * found.clamp(min_value, max_value) + (1 - rate) * found
    return w * (wanted / (1e-7 + found))
''',
    (_NORMS,),
)


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
) -> tuple[str, Part | None]:
    """The tensor `target` within a constraint, and the function that this takes.

    `axes` are those of the tensor that the norms are taken along.
    """
    match constraint:
        case NonNeg():
            return f"{target}.clamp(min=0)", None
        case MaxNorm(max_value=largest):
            return _call("max_norm", target, largest, axes), _MAX_NORM
        case UnitNorm():
            return _call("unit_norm", target, axes), _UNIT_NORM
        case MinMaxNorm(min_value=smallest, max_value=largest, rate=rate):
            return _call("min_max_norm", target, smallest, largest, rate, axes), _MIN_MAX_NORM


def _call(name: str, target: str, *values: object) -> str:
    return f"{name}({', '.join([target, *arguments(values, {})])})"
