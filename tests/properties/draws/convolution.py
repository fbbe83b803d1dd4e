"""Convolutions that fit behind a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.layers import Shape
from netspec.layers.window import extent, windows
from properties.draws.base import Draw, Draws, Fields, activations, each, sizes, spatial, window


@st.composite
def convolutions(draw: Draw, shape: Shape) -> Fields:
    kernel, padding = window(draw, shape[:-1])
    rows, columns = draw(each(3, 3))
    # oneDNN's fault on CPUs with AVX-512; test_found.py holds it.
    faulty = shape[-1] == rows == windows(shape[1], kernel[1], columns, padding) == 1
    steps: Fields = {"strides": (rows, 1 if faulty else columns)}
    if draw(st.booleans()):
        dilation = draw(each(3, 3))
        spans = [extent(*axis) for axis in zip(kernel, dilation, strict=True)]
        if padding == "same" or (spans[0] <= shape[0] and spans[1] <= shape[1]):
            steps = {"dilation_rate": dilation}
    groups = draw(st.sampled_from([one for one in range(1, 5) if shape[-1] % one == 0]))
    return {
        "filters": groups * draw(sizes(2)),
        "kernel_size": kernel,
        "padding": padding,
        "groups": groups,
        "use_bias": draw(st.booleans()),
        **steps,
        **draw(activations()),
    }


FIELDS: dict[str, Draws] = {"Conv2D": spatial(2, convolutions)}
