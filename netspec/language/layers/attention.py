"""Attention: every step of one sequence looks at all steps of another."""

from __future__ import annotations

from math import prod
from typing import Annotated, Literal

from pydantic import Field

from netspec.language.layers.axes import INPUT, OUTPUT, Axis, WeightAxes, elements
from netspec.language.layers.base import (
    InputCount,
    Kept,
    Layer,
    LayerFault,
    Shape,
    Shapes,
    Weight,
    sequence,
)
from netspec.language.layers.fields import Rate, WithBias, WithKernel
from netspec.language.layers.initializers import GlorotUniform, Ones
from netspec.language.layers.window import Size

_NAME_THEM = "name query, value and maybe key, as in `inputs: [decoder, encoder]`"


class Attending(Layer):
    """What layers of attention share: their inputs are a query, a value and maybe a key."""

    takes = InputCount("one to three inputs", 1, 3, _NAME_THEM)

    dropout: Annotated[
        Rate, Field(description="The part of the weights of the values that training sets to 0.")
    ] = 0.0
    use_causal_mask: Annotated[
        bool, Field(description="Whether a step looks at no later one; Keras takes it in the call.")
    ] = False

    def roles(self, inputs: Shapes) -> tuple[Shape, Shape, Shape]:
        """The shapes of query, value and key. Raises LayerFault where they are not sequences."""
        query, *others = inputs
        value = others[0] if others else query
        key = others[1] if len(others) > 1 else value
        for shape in inputs:
            sequence(shape, self.tag)
        if key[0] != value[0]:
            message = f"the key has {key[0]} steps, and the value {value[0]}"
            raise LayerFault(message, "every step of the value needs a key", "inputs")
        return query, value, key


class _Heads(Attending):
    """The sizes of several heads."""

    num_heads: Annotated[Size, Field(description="The number of heads.")]
    key_dim: Annotated[Size, Field(description="The size of a head's queries and keys.")]
    value_dim: Annotated[
        Size | None, Field(description="The size of a head's values. Without it, key_dim.")
    ] = None
    output_shape: Annotated[
        Size | None,
        Field(description="The features of the output. Without them, those of the query."),
    ] = None


class MultiHeadAttention(WithBias, WithKernel, _Heads):
    """Attention in several heads, each with projections of its own.

    For every head, softmax(q k^T / sqrt(key_dim)) v, where q = query kernel + bias, and k and v
    likewise; attention_output puts the heads together. Inputs query (T, …), value (S, …) and key
    (S, …) in this order; without the key it is the value, without both all are the query. Output
    (T, features of the query), or (T, output_shape). Vaswani et al., 2017.
    """

    tag = "MultiHeadAttention"

    @property
    def value_size(self) -> int:
        """The size of a head's values."""
        return self.value_dim or self.key_dim

    def infer_shape(self, inputs: Shapes) -> Shape:
        query, _, _ = self.roles(inputs)
        return query[0], self.output_shape or query[-1]

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        query, value, key = self.roles(inputs)
        features = self.output_shape or query[-1]
        return (
            *self._into_heads("query", query[-1], self.key_dim),
            *self._into_heads("key", key[-1], self.key_dim),
            *self._into_heads("value", value[-1], self.value_size),
            *self._projection(
                "attention_output",
                (self.num_heads, self.value_size, features),
                (Axis("head", "in"), Axis("size", "in"), OUTPUT),
                inputs=2,
            ),
        )

    def _into_heads(self, name: str, features: int, size: int) -> tuple[Weight, ...]:
        shape = (features, self.num_heads, size)
        axes = (INPUT, Axis("head", "out"), Axis("size", "out"))
        return self._projection(name, shape, axes, inputs=1)

    def _projection(
        self, name: str, shape: Shape, axes: WeightAxes, *, inputs: int
    ) -> tuple[Weight, ...]:
        """The kernel of a projection, whose first axes are its inputs, and its bias."""
        kernel = self.weight(f"{name}.kernel", shape, axes, "kernel")
        outputs = elements(*(axis.role for axis in axes[inputs:]))
        bias = self.weight(f"{name}.bias", shape[inputs:], outputs, "bias")
        return (kernel, bias) if self.use_bias else (kernel,)

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        query, value, _ = self.roles(inputs)
        heads = self.num_heads * (self.key_dim + self.value_size)
        return Kept(inputs=True, values=(query[0] + value[0]) * heads)

    def infer_cost(self, inputs: Shapes) -> int:
        query, value, key = self.roles(inputs)
        steps, others = query[0], value[0]
        into = prod(query) * self.key_dim + prod(key) * self.key_dim + prod(value) * self.value_size
        pairs = steps * others * (self.key_dim + self.value_size)
        out = steps * self.value_size * (self.output_shape or query[-1])
        return self.num_heads * (into + pairs + out)


class Scoring(Attending):
    """Attention without projections: a score for every pair of a query and a key."""

    takes = InputCount("two or three inputs", 2, 3, _NAME_THEM)

    def infer_shape(self, inputs: Shapes) -> Shape:
        query, value, key = self.roles(inputs)
        if query[-1] != key[-1]:
            message = f"the query has {query[-1]} features, and the key {key[-1]}"
            raise LayerFault(message, "bring one to the size of the other by a Dense", "inputs")
        return query[0], value[-1]


class Attention(Scoring):
    """A mean of the values, weighted by how a query and a key fit.

    y[t] = sum over s of softmax over s (score[t, s]) value[s]. With score_mode `dot` the score is
    scale times the product of query[t] and key[s]; with `concat` it is concat_score_weight times
    the sum of tanh(scale (query[t] + key[s])). Inputs query (T, size), value (S, …) and key
    (S, size) in this order; without the key it is the value. Output (T, features of the value).
    Luong et al., 2015.
    """

    tag = "Attention"

    use_scale: Annotated[bool, Field(description="Whether the scale is learned, not 1.")] = False
    score_mode: Annotated[
        Literal["dot", "concat"], Field(description="How a query and a key make a score.")
    ] = "dot"

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        names = ["scale"] if self.use_scale else []
        names += ["concat_score_weight"] if self.score_mode == "concat" else []
        return tuple(Weight(name, (), (), Ones()) for name in names)

    def infer_cost(self, inputs: Shapes) -> int:
        query, value, _ = self.roles(inputs)
        scored = query[-1] if self.score_mode == "dot" else 0
        return query[0] * value[0] * (scored + value[-1])


class AdditiveAttention(Scoring):
    """A mean of the values, weighted by the sum of a query and a key.

    y[t] = sum over s of softmax over s (score[t, s]) value[s], where the score is the sum over the
    features of scale tanh(query[t] + key[s]). Inputs query (T, size), value (S, …) and key (S,
    size) in this order; without the key it is the value. Output (T, features of the value).
    Bahdanau et al., 2015.
    """

    tag = "AdditiveAttention"

    use_scale: Annotated[
        bool, Field(description="Whether every feature has a learned scale, not 1.")
    ] = True

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        query, _, _ = self.roles(inputs)
        scale = Weight("scale", query[-1:], elements("input"), GlorotUniform())
        return (scale,) if self.use_scale else ()

    def infer_cost(self, inputs: Shapes) -> int:
        query, value, _ = self.roles(inputs)
        scored = query[-1] if self.use_scale else 0
        return query[0] * value[0] * (scored + value[-1])
