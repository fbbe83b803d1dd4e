"""Recurrent layers that fit after a sequence."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import FAMILIES, LAYERS, Shape
from properties.draws.base import Draw, Draws, Fields, sizes, spatial

# The conformance table has every activation. Bounded activations keep a state small. Others make the
# state and its rounding large in a few steps.
BOUNDED = ("tanh", "sigmoid", "hard_sigmoid", "softsign", "softmax")

FLAGS = ("use_bias", "return_sequences", "go_backwards", "unit_forget_bias", "reset_after")


def recurrent(tag: str) -> Draws:
    """The draws for one layer of the family."""
    fields = LAYERS[tag].model_fields

    @st.composite
    def drawn(draw: Draw, _shape: Shape) -> Fields:
        options: Fields = {"units": draw(sizes(4)), "activation": draw(st.sampled_from(BOUNDED))}
        options |= {flag: draw(st.booleans()) for flag in FLAGS if flag in fields}
        if "recurrent_activation" in fields:
            options["recurrent_activation"] = draw(st.sampled_from(BOUNDED))
        if draw(st.integers(0, 3)) == 0:
            options["dropout"] = 0.5
        if draw(st.integers(0, 3)) == 0:
            options["recurrent_dropout"] = 0.5
        return options

    return spatial(1, drawn)


FIELDS: dict[str, Draws] = {tag: recurrent(tag) for tag in FAMILIES["recurrent"]}
