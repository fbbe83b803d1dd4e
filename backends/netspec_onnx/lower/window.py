"""The padding of sliding windows, which convolutions and pooling share."""

from __future__ import annotations

from netspec.language.layers.window import CausalPadding, pads


def onnx_pads(
    space: tuple[int, ...],
    kernel: tuple[int, ...],
    strides: tuple[int, ...],
    padding: CausalPadding,
) -> list[int]:
    """The padding before every axis, then the padding after every axis, which is ONNX's order."""
    sides = [pads(*axis, padding) for axis in zip(space, kernel, strides, strict=True)]
    return [before for before, _ in sides] + [after for _, after in sides]
