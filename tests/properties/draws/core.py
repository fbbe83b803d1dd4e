"""Layers without an idea of space."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import WHOLE, Draws, Fields, activations, sizes


def denses(_shape: Shape) -> st.SearchStrategy[Fields]:
    fields = st.fixed_dictionaries({"units": sizes(5), "use_bias": st.booleans()})
    return st.builds(dict.__or__, fields, activations())


def embeddings(_shape: Shape) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"input_dim": st.just(WHOLE), "output_dim": sizes(4)})


SLOPES = st.sampled_from([0.0, 0.25, 0.5])


def relus(_shape: Shape) -> st.SearchStrategy[Fields]:
    most = st.sampled_from([None, 0.5, 6.0])
    return st.fixed_dictionaries(
        {"max_value": most, "negative_slope": SLOPES, "threshold": st.sampled_from([0.0, 0.5])}
    )


def parametric_relus(shape: Shape) -> st.SearchStrategy[Fields]:
    axes = st.lists(st.sampled_from(range(1, len(shape) + 1)), min_size=1, unique=True)
    return st.fixed_dictionaries({"shared_axes": st.none() | axes})


def softmaxes(shape: Shape) -> st.SearchStrategy[Fields]:
    axes = st.lists(st.sampled_from(range(-len(shape), 0)), min_size=1, unique=True)
    return st.fixed_dictionaries({"axis": axes})


FIELDS: dict[str, Draws] = {
    "Dense": denses,
    "Activation": lambda _: activations(),
    "Embedding": embeddings,
    "ReLU": relus,
    "LeakyReLU": lambda _: st.fixed_dictionaries({"negative_slope": SLOPES}),
    "PReLU": parametric_relus,
    "ELU": lambda _: st.fixed_dictionaries({"alpha": st.sampled_from([0.5, 1.0, 2.0])}),
    "Softmax": softmaxes,
}
