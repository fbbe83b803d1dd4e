"""Layers that move values, in ONNX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from netspec.graph import Node
from netspec.language.layers.shaping import (
    Cropping,
    Permute,
    RepeatVector,
    Reshape,
    Sides,
    UpSampling,
    UpSampling2D,
    ZeroPadding,
)
from netspec_onnx.lower.base import Builder, lower


@lower.register
def _(_layer: Reshape, node: Node, to: Builder, x: str) -> str:
    shape = to.integers(f"{node.name}.shape", [0, *node.shape])  # 0 keeps the batch axis
    return to.add("Reshape", [x, shape], node.name)


@lower.register
def _(layer: Permute, node: Node, to: Builder, x: str) -> str:
    return to.add("Transpose", [x], node.name, perm=[0, *layer.dims])


@lower.register
def _(layer: RepeatVector, node: Node, to: Builder, x: str) -> str:
    axes = to.integers(f"{node.name}.axes", [1])
    step = to.add("Unsqueeze", [x, axes], f"{node.name}.step")
    shape = to.integers(f"{node.name}.shape", [1, layer.n, 1])
    return to.add("Expand", [step, shape], node.name)


@lower.register
def _(layer: ZeroPadding, node: Node, to: Builder, x: str) -> str:
    return padded(x, layer.sides, node.name, to)


@lower.register
def _(layer: Cropping, node: Node, to: Builder, x: str) -> str:
    return cropped(x, layer.sides, node.input_shape[:-1], node.name, to)


def padded(x: str, sides: tuple[Sides, ...], name: str, to: Builder, fill: float = 0.0) -> str:
    """Append padding around the space of a channels-first tensor."""
    before, after = ([side[index] for side in sides] for index in (0, 1))
    pads = to.integers(f"{name}.pads", [0, 0, *before, 0, 0, *after])
    value = [to.constant(f"{name}.value", fill)] if fill else []
    return to.add("Pad", [x, pads, *value], name)


def cropped(
    x: str, sides: tuple[Sides, ...], space: tuple[int, ...], name: str, to: Builder
) -> str:
    """Append a Slice that crops the space of a channels-first tensor."""
    ends = [size - after for size, (_, after) in zip(space, sides, strict=True)]
    bounds = [
        to.integers(f"{name}.starts", [before for before, _ in sides]),
        to.integers(f"{name}.ends", ends),
        to.integers(f"{name}.axes", range(2, 2 + len(sides))),
    ]
    return to.add("Slice", [x, *bounds], name)


@lower.register
def _(layer: UpSampling, node: Node, to: Builder, x: str) -> str:
    smooth = isinstance(layer, UpSampling2D) and layer.interpolation == "bilinear"
    rule = LINEAR if smooth else REPEATED
    return resized(x, layer.factors, rule, node.name, to)


LINEAR = {"mode": "linear", "coordinate_transformation_mode": "half_pixel"}
"""Between the centers of the pixels."""

REPEATED = {
    "mode": "nearest",
    "coordinate_transformation_mode": "asymmetric",
    "nearest_mode": "floor",
}
"""Every pixel is repeated by the scale of its axis."""


def resized(
    x: str, scales: Sequence[float], rule: Mapping[str, str], name: str, to: Builder
) -> str:
    """Append a Resize that changes the sizes of the space of a channels-first tensor."""
    # The scales are for all axes: when ONNX Runtime 1.32 moves a Transpose after a Resize, it
    # ignores the attribute `axes`.
    factors = to.constant(f"{name}.scales", [1, 1, *scales])
    return to.add("Resize", [x, "", factors], name, **rule)
