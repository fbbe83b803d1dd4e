"""Attention by its definition."""

from __future__ import annotations

import math

import numpy as np

from netspec.language.layers.attention import (
    AdditiveAttention,
    Attending,
    Attention,
    GroupedQueryAttention,
    MultiHeadAttention,
)
from netspec_numpy.layers.activations import ACTIVATIONS
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: MultiHeadAttention, w: Own, training: bool, *x: Values) -> Values:
    query, value, key = roles(x)

    def heads(name: str, values: Values) -> Values:
        projected = np.einsum("ntf,fhd->nhtd", values, w[f"{name}.kernel"])
        return projected + w.get(f"{name}.bias", np.zeros((layer.num_heads, 1)))[:, None]

    q, k, v = heads("query", query), heads("key", key), heads("value", value)
    scores = np.einsum("nhtd,nhsd->nhts", q, k) / math.sqrt(layer.key_dim)
    y = weights(layer, training, scores) @ v
    output = np.einsum("nhtd,hdf->ntf", y, w["attention_output.kernel"])
    return output + w.get("attention_output.bias", 0)


@compute.register
def _(layer: GroupedQueryAttention, w: Own, training: bool, *x: Values) -> Values:
    query, value, key = roles(x)
    size, repeats = layer.head_dim, layer.num_query_heads // layer.num_key_value_heads

    def heads(name: str, values: Values) -> Values:
        projected = np.einsum("ntf,fhd->nhtd", values, w[f"{name}.kernel"])
        return projected + w.get(f"{name}.bias", np.zeros((1, size)))[:, None]

    k, v = (np.repeat(heads(*role), repeats, 1) for role in (("key", key), ("value", value)))
    scores = np.einsum("nhtd,nhsd->nhts", heads("query", query), k) / math.sqrt(size)
    if layer.sliding_window is not None:
        queries, values = np.indices(scores.shape[-2:])
        scores = np.where(abs(queries - values) < layer.sliding_window, scores, -np.inf)
    y = weights(layer, training, scores) @ v
    if layer.use_gate:
        y = y * ACTIVATIONS["sigmoid"](heads("gate", query))
    output = np.einsum("nhtd,hdf->ntf", y, w["attention_output.kernel"])
    return output + w.get("attention_output.bias", 0)


@compute.register
def _(layer: Attention, w: Own, training: bool, *x: Values) -> Values:
    query, value, key = roles(x)
    scale = w.get("scale", 1)
    if layer.score_mode == "dot":
        scores = scale * np.einsum("ntd,nsd->nts", query, key)
    else:
        terms = np.tanh(scale * (query[:, :, None] + key[:, None]))
        scores = w["concat_score_weight"] * terms.sum(-1)
    return weights(layer, training, scores) @ value


@compute.register
def _(layer: AdditiveAttention, w: Own, training: bool, *x: Values) -> Values:
    query, value, key = roles(x)
    terms = w.get("scale", 1) * np.tanh(query[:, :, None] + key[:, None])
    return weights(layer, training, terms.sum(-1)) @ value


def roles(x: tuple[Values, ...]) -> tuple[Values, Values, Values]:
    """Query, value and key. Without a value it is the query, and without a key it is the value."""
    query, *others = x
    value = others[0] if others else query
    return query, value, others[1] if len(others) > 1 else value


def weights(layer: Attending, training: bool, scores: Values) -> Values:
    """How much of every value a query takes: (…, queries, values)."""
    if training and layer.dropout > 0:
        raise NotImplementedError("masks differ between backends: there is no one right answer")
    if layer.use_causal_mask:
        queries, values = np.indices(scores.shape[-2:])
        scores = np.where(values > queries, -np.inf, scores)
    return ACTIVATIONS["softmax"](scores)
