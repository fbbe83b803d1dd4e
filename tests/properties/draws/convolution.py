"""Convolutions that fit behind a shape."""

from __future__ import annotations

from operator import le

from hypothesis import strategies as st

from netspec.layers import Shape
from netspec.layers.window import extent, windows
from properties.draws.base import Draw, Draws, Fields, activations, each, sizes, spatial, window


def faulty(shape: Shape, kernel: Shape, strides: Shape, padding: str) -> bool:
    """Whether oneDNN errs on CPUs with AVX-512; test_found.py holds the fault."""
    if len(shape) < 3 or shape[-1] > 1 or strides[-2] > 1:
        return False
    return windows(shape[-2], kernel[-1], strides[-1], padding) == 1 < strides[-1]


@st.composite
def convolutions(draw: Draw, shape: Shape) -> Fields:
    *space, channels = shape
    kernel, padding = window(draw, tuple(space))
    if len(space) == 1 and draw(st.booleans()):
        padding = "causal"
    strides = draw(each(*(3 for _ in space)))
    steps: Fields = {} if faulty(shape, kernel, strides, padding) else {"strides": strides}
    if draw(st.booleans()):
        dilation = draw(each(*(3 for _ in space)))
        spans = map(extent, kernel, dilation)
        if padding != "valid" or all(map(le, spans, space)):
            steps = {"dilation_rate": dilation}
    groups = draw(st.sampled_from([one for one in range(1, 5) if channels % one == 0]))
    return {
        "filters": groups * draw(sizes(2)),
        "kernel_size": kernel,
        "padding": padding,
        "groups": groups,
        "use_bias": draw(st.booleans()),
        **steps,
        **draw(activations()),
    }


FIELDS: dict[str, Draws] = {
    "Conv1D": spatial(1, convolutions),
    "Conv2D": spatial(2, convolutions),
    "Conv3D": spatial(3, convolutions),
}
