"""The padding of sliding windows, which convolutions and pooling share."""

from __future__ import annotations

from netspec.language.layers.window import CausalPadding, pads


def padding(
    space: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    padding: CausalPadding,
) -> tuple[tuple[int, ...] | None, tuple[int, ...]]:
    """The padding of F.pad (the last axis first), or by the layer itself (one number an axis).

    PyTorch's layers pad both sides alike; TensorFlow's odd pixel at the end needs F.pad.
    """
    sides = [pads(*axis, padding) for axis in zip(space, kernel, strides, strict=True)]
    if all(before == after for before, after in sides):
        return None, tuple(before for before, _ in sides)
    return tuple(count for side in reversed(sides) for count in side), (0,) * len(space)
