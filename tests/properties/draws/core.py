"""Layers without an idea of space."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.layers import Shape
from properties.draws.base import Draws, Fields, activations, sizes


def denses(_shape: Shape) -> st.SearchStrategy[Fields]:
    fields = st.fixed_dictionaries({"units": sizes(5), "use_bias": st.booleans()})
    return st.builds(dict.__or__, fields, activations())


FIELDS: dict[str, Draws] = {
    "Flatten": lambda _: st.just({}),
    "Dense": denses,
    "Activation": lambda _: activations(),
}
