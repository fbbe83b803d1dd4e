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
        Field(description="The features of the output. Without it, the features of the query."),
    ] = None


class Projecting(WithBias, WithKernel, Attending):
    """Attention whose query, key and value are projected into heads, each by a Dense."""

    def into_heads(self, name: str, features: int, heads: int, size: int) -> tuple[Weight, ...]:
        """The weights of a projection of the features into some heads of a size."""
        axes = (INPUT, Axis("head", "out"), Axis("size", "out"))
        return self._projection(name, (features, heads, size), axes, inputs=1)

    def out_of_heads(self, heads: int, size: int, features: int) -> tuple[Weight, ...]:
        """The weights of the projection that puts the heads together."""
        axes = (Axis("head", "in"), Axis("size", "in"), OUTPUT)
        return self._projection("attention_output", (heads, size, features), axes, inputs=2)

    def _projection(
        self, name: str, shape: Shape, axes: WeightAxes, *, inputs: int
    ) -> tuple[Weight, ...]:
        """The kernel of a projection, whose first axes are its inputs, and its bias."""
        kernel = self.weight(f"{name}.kernel", shape, axes, "kernel")
        outputs = elements(*(axis.role for axis in axes[inputs:]))
        bias = self.weight(f"{name}.bias", shape[inputs:], outputs, "bias")
        return (kernel, bias) if self.use_bias else (kernel,)


class MultiHeadAttention(Projecting, _Heads):
    """Attention in several heads, each with separate projections.

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
            *self.into_heads("query", query[-1], self.num_heads, self.key_dim),
            *self.into_heads("key", key[-1], self.num_heads, self.key_dim),
            *self.into_heads("value", value[-1], self.num_heads, self.value_size),
            *self.out_of_heads(self.num_heads, self.value_size, features),
        )

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


class _Groups(Attending):
    """The sizes of heads of which several share a key and a value."""

    head_dim: Annotated[Size, Field(description="The size of a head.")]
    num_query_heads: Annotated[Size, Field(description="The number of heads of the query.")]
    num_key_value_heads: Annotated[
        Size, Field(description="The number of heads of key and value, a part of the query's.")
    ]
    sliding_window: Annotated[
        Size | None,
        Field(description="Steps that are seen on each side, this one included; null is all."),
    ] = None
    use_gate: Annotated[
        bool, Field(description="Whether a sigmoid of the query is multiplied to the heads.")
    ] = False


class GroupedQueryAttention(Projecting, _Groups):
    """Attention in several heads of the query, which share the heads of key and value in groups.

    For every head of the query, softmax(q k^T / sqrt(head_dim)) v, where q = query kernel + bias,
    and k and v likewise, shared by the head's group; attention_output puts the heads together. With
    `sliding_window` step t sees the steps s with |t - s| below it. Inputs query (T, size), value
    (S, size) and key (S, …) in this order; without the key it is the value, without both all are
    the query. Output (T, size). Ainslie et al., 2023; in Keras 3.15 the layer is exported as
    GroupQueryAttention.
    """

    tag = "GroupedQueryAttention"

    @property
    def group_size(self) -> int:
        """How many heads of the query share a head of key and value."""
        return self.num_query_heads // self.num_key_value_heads

    def infer_shape(self, inputs: Shapes) -> Shape:
        query, value, _ = self.roles(inputs)
        if self.num_query_heads % self.num_key_value_heads:
            raise LayerFault(
                f"{self.num_query_heads} heads of the query cannot be divided into "
                f"{self.num_key_value_heads} groups",
                "num_key_value_heads must divide num_query_heads",
                "num_key_value_heads",
            )
        if query[-1] != value[-1]:
            message = f"the query has {query[-1]} features, and the value {value[-1]}"
            raise LayerFault(message, "bring one to the size of the other by a Dense", "inputs")
        if self.sliding_window is not None and query[0] - value[0] >= self.sliding_window:
            raise LayerFault(
                f"the last of {query[0]} steps of the query sees none of the {value[0]} steps of "
                f"the value through a sliding_window of {self.sliding_window}",
                f"write at least {query[0] - value[0] + 1}",
                "sliding_window",
            )
        return query

    def infer_weights(self, inputs: Shapes) -> tuple[Weight, ...]:
        query, value, key = self.roles(inputs)
        heads, groups, size = self.num_query_heads, self.num_key_value_heads, self.head_dim
        return (
            *self.into_heads("query", query[-1], heads, size),
            *self.into_heads("key", key[-1], groups, size),
            *(self.into_heads("gate", query[-1], heads, size) if self.use_gate else ()),
            *self.into_heads("value", value[-1], groups, size),
            *self.out_of_heads(heads, size, query[-1]),
        )

    def infer_kept(self, inputs: Shapes, output: Shape) -> Kept:
        query, value, _ = self.roles(inputs)
        of_query = query[0] * self.num_query_heads * (2 if self.use_gate else 1)
        of_value = 2 * value[0] * self.num_key_value_heads
        return Kept(inputs=True, values=(of_query + of_value) * self.head_dim)

    def infer_cost(self, inputs: Shapes) -> int:
        query, value, key = self.roles(inputs)
        of_query = prod(query) * (3 if self.use_gate else 2)  # the output's projection included
        pairs = 2 * query[0] * value[0]
        grouped = self.num_key_value_heads * (prod(key) + prod(value))
        return self.head_dim * (self.num_query_heads * (of_query + pairs) + grouped)


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
