"""Layers without spatial axes."""

from __future__ import annotations

from hypothesis import strategies as st

from netspec.language.layers import Shape
from properties.draws.base import WHOLE, Draws, Fields, activations, sizes


def denses(_shape: Shape) -> st.SearchStrategy[Fields]:
    fields = st.fixed_dictionaries({"units": sizes(5), "use_bias": st.booleans()})
    return st.builds(dict.__or__, fields, activations())


def einsum_denses(shape: Shape) -> st.SearchStrategy[Fields]:
    size = sizes(4)
    before = "abcd"[: len(shape)]
    along_last = {
        "equation": st.just(f"{before}x,xy->{before}y"),
        "output_shape": st.tuples(*map(st.just, shape[:-1]), size),
        "bias_axes": st.sampled_from([None, "y", f"{before}y"[1:]]),
    }
    strategies = [st.fixed_dictionaries(along_last)]
    if len(shape) == 2:
        heads = {"equation": st.just("abc,cde->abde"), "bias_axes": st.just("de")}
        shapes = st.tuples(st.just(shape[0]), size, size)
        across = {"equation": st.just("abc,bd->adc"), "bias_axes": st.sampled_from([None, "d"])}
        strategies += [
            st.fixed_dictionaries({**heads, "output_shape": shapes}),
            st.fixed_dictionaries({**across, "output_shape": st.tuples(size, st.just(shape[1]))}),
        ]
    return st.builds(dict.__or__, st.one_of(strategies), activations())


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
    "EinsumDense": einsum_denses,
    "Activation": lambda _: activations(),
    "Embedding": embeddings,
    "ReLU": relus,
    "LeakyReLU": lambda _: st.fixed_dictionaries({"negative_slope": SLOPES}),
    "PReLU": parametric_relus,
    "ELU": lambda _: st.fixed_dictionaries({"alpha": st.sampled_from([0.5, 1.0, 2.0])}),
    "Softmax": softmaxes,
}
