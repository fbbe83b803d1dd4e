"""Wrappers of layers that fit after a shape."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws import convolution, core, pooling, recurrent
from properties.draws.base import Draw, Draws, Fields

INNER: dict[str, Draws] = {
    "Dense": core.FIELDS["Dense"],
    "Flatten": lambda _: st.just({}),
    "Conv2D": convolution.FIELDS["Conv2D"],
    "MaxPooling2D": pooling.FIELDS["MaxPooling2D"],
    **recurrent.FIELDS,
}
"""The draws of layers inside TimeDistributed."""


def bidirectional(shape: Shape) -> st.SearchStrategy[Fields] | None:
    return _both_ways(shape) if len(shape) == 2 else None


@st.composite
def _both_ways(draw: Draw, shape: Shape) -> Fields:
    tag = draw(st.sampled_from(sorted(recurrent.FIELDS)))
    strategy = recurrent.FIELDS[tag](shape)
    assert strategy is not None
    fields = {name: value for name, value in draw(strategy).items() if name != "go_backwards"}
    mode = draw(st.sampled_from(["concat", "sum", "mul", "ave"]))
    return {"layer": {tag: fields}, "merge_mode": mode}


def distributed(shape: Shape) -> st.SearchStrategy[Fields] | None:
    strategies = [
        inner.map(lambda fields, tag=tag: {"layer": {tag: fields}})
        for tag, draws in INNER.items()
        if len(shape) > 1 and (inner := draws(shape[1:])) is not None
    ]
    return st.one_of(strategies) if strategies else None


FIELDS: dict[str, Draws] = {"Bidirectional": bidirectional, "TimeDistributed": distributed}
