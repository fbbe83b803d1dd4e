"""Constraints of weights in PyTorch, by Keras's formulas."""

from torch import Tensor


def norms(w: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The norms of a weight along some of its axes, which stay as axes of size 1."""
    return w.square().sum(axes, keepdim=True).sqrt()


def max_norm(w: Tensor, max_value: float, axes: tuple[int, ...]) -> Tensor:
    """The weight with norms of at most max_value."""
    before = norms(w, axes)
    return w * (before.clamp(max=max_value) / (1e-7 + before))


def unit_norm(w: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The weight with norms of 1."""
    return w / (1e-7 + norms(w, axes))


def min_max_norm(
    w: Tensor, min_value: float, max_value: float, rate: float, axes: tuple[int, ...]
) -> Tensor:
    """The weight with norms moved towards the range by the rate."""
    before = norms(w, axes)
    after = rate * before.clamp(min_value, max_value) + (1 - rate) * before
    return w * (after / (1e-7 + before))
