"""Convolutions that fit after a shape."""

from __future__ import annotations

from operator import le, lt

from hypothesis import strategies as st

from netspec.language.layers import Shape
from netspec.language.layers.window import extent, windows
from properties.draws.base import (
    Draw,
    Draws,
    Fields,
    activations,
    axis_sizes,
    sizes,
    spatial,
    window,
)


def faulty(shape: Shape, kernel: Shape, strides: Shape, padding: str) -> bool:
    """Whether oneDNN is wrong on CPUs with AVX-512 (test_found.py)."""
    if len(shape) < 3 or shape[-1] > 1 or strides[-2] > 1:
        return False
    return windows(shape[-2], kernel[-1], strides[-1], padding) == 1 < strides[-1]


def kernels(draw: Draw, shape: Shape) -> Fields:
    """The fields of every kernel: its size, padding, and strides or dilation."""
    space = shape[:-1]
    kernel, padding = window(draw, space)
    strides = draw(axis_sizes(*(3 for _ in space)))
    steps: Fields = {} if faulty(shape, kernel, strides, padding) else {"strides": strides}
    if draw(st.booleans()):
        dilation = draw(axis_sizes(*(3 for _ in space)))
        if padding == "same" or all(map(le, map(extent, kernel, dilation), space)):
            steps = {"dilation_rate": dilation}
    ends = draw(activations())
    return (
        {"kernel_size": kernel, "padding": padding, "use_bias": draw(st.booleans())} | steps | ends
    )


@st.composite
def convolutions(draw: Draw, shape: Shape) -> Fields:
    fields = kernels(draw, shape)
    if len(shape) == 2 and draw(st.booleans()):
        fields["padding"] = "causal"
    groups = draw(st.sampled_from([divisor for divisor in range(1, 5) if shape[-1] % divisor == 0]))
    return {**fields, "filters": groups * draw(sizes(2)), "groups": groups}


@st.composite
def depthwise(draw: Draw, shape: Shape) -> Fields:
    fields = kernels(draw, (*shape[:-1], 1))
    if "strides" in fields:
        fields["strides"] = fields["strides"][0]
    return {**fields, "depth_multiplier": draw(sizes(3))}


@st.composite
def separable(draw: Draw, shape: Shape) -> Fields:
    fields = draw(depthwise(shape))
    # oneDNN's second error in TensorFlow (test_found.py).
    least = 2 if shape[-1] * fields["depth_multiplier"] == 1 else 1
    return {**fields, "filters": draw(st.integers(least, 3))}


@st.composite
def transposed(draw: Draw, shape: Shape) -> Fields:
    fields = kernels(draw, shape)
    spans = fields["kernel_size"]
    if "dilation_rate" in fields:
        spans = tuple(map(extent, spans, fields["dilation_rate"]))
    same = fields["padding"] == "same"
    strides = fields.get("strides", (1,) * len(spans))
    # An even kernel with padding 'same' needs one position more.
    least = [int(same and span % 2 == 0) for span in spans]
    if all(map(lt, least, strides)) and draw(st.booleans()):
        extra = (st.integers(low, step - 1) for low, step in zip(least, strides, strict=True))
        fields["output_padding"] = draw(st.tuples(*extra))
    # The gradient is a transposed convolution: oneDNN is wrong where its input has one channel and
    # its output one column.
    last = strides[-1] > 1 == shape[-2] and (len(strides) < 2 or strides[-2] == 1)
    return {**fields, "filters": draw(st.integers(2 if last and len(shape) > 2 else 1, 3))}


FIELDS: dict[str, Draws] = {
    "Conv1D": spatial(1, convolutions),
    "Conv2D": spatial(2, convolutions),
    "Conv3D": spatial(3, convolutions),
    "DepthwiseConv1D": spatial(1, depthwise),
    "DepthwiseConv2D": spatial(2, depthwise),
    "SeparableConv1D": spatial(1, separable),
    "SeparableConv2D": spatial(2, separable),
    "Conv1DTranspose": spatial(1, transposed),
    "Conv2DTranspose": spatial(2, transposed),
    "Conv3DTranspose": spatial(3, transposed),
}
