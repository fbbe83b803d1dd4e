"""Attention in ONNX, composed of products and a softmax."""

from __future__ import annotations

from math import sqrt

import numpy as np

from netspec.graph import Node
from netspec.language.layers.attention import (
    AdditiveAttention,
    Attending,
    Attention,
    GroupedQueryAttention,
    MultiHeadAttention,
)
from netspec_onnx.lower.base import Builder, lower


@lower.register
def _(layer: MultiHeadAttention, node: Node, to: Builder, *x: str) -> str:
    query, value, key = _roles(x)
    steps, size = node.shape[0], layer.num_heads * layer.value_size
    heads, key_dim = layer.num_heads, layer.key_dim
    q = _heads(node, to, query, "query", (heads, key_dim), (0, 2, 1, 3))
    k = _heads(node, to, key, "key", (heads, key_dim), (0, 2, 3, 1))
    v = _heads(node, to, value, "value", (heads, layer.value_size), (0, 2, 1, 3))
    root = to.constant(f"{node.name}.scale", 1 / sqrt(layer.key_dim))
    scaled = to.add("Mul", [q, root], f"{node.name}.scaled")
    scores = to.add("MatMul", [scaled, k], f"{node.name}.scores")
    attended = _attended(layer, node, to, scores, v, f"{node.name}.attended")
    by_step = to.add("Transpose", [attended], f"{node.name}.by_step", perm=(0, 2, 1, 3))
    shape = to.integers(f"{node.name}.flat_shape", [0, steps, size])
    flat = to.add("Reshape", [by_step, shape], f"{node.name}.flat")
    return _projected(node, to, flat, "attention_output", node.name)


@lower.register
def _(layer: GroupedQueryAttention, node: Node, to: Builder, *x: str) -> str:
    query, value, key = _roles(x)
    (steps, _), (others, _), _ = layer.roles(node.input_shapes)
    heads, groups, size = layer.num_query_heads, layer.num_key_value_heads, layer.head_dim
    name = node.name

    def reshaped(tensor: str, shape: list[int], output: str) -> str:
        return to.add("Reshape", [tensor, to.integers(f"{output}_shape", [0, *shape])], output)

    q = _heads(node, to, query, "query", (heads, size), (0, 2, 1, 3))
    k = _heads(node, to, key, "key", (groups, size), (0, 2, 3, 1))
    v = _heads(node, to, value, "value", (groups, size), (0, 2, 1, 3))
    # The heads of a group follow each other, as more steps of one head.
    rows = layer.group_size * steps
    root = to.constant(f"{name}.scale", 1 / sqrt(size))
    scaled = to.add("Mul", [q, root], f"{name}.scaled")
    products = to.add(
        "MatMul", [reshaped(scaled, [groups, rows, size], f"{name}.grouped"), k], f"{name}.products"
    )
    scores = reshaped(products, [heads, steps, others], f"{name}.scores")
    weights = _weights(layer, node, to, scores)
    by_group = reshaped(weights, [groups, rows, others], f"{name}.by_group")
    attended = to.add("MatMul", [by_group, v], f"{name}.attended")
    by_head = reshaped(attended, [heads, steps, size], f"{name}.by_head")
    by_step = to.add("Transpose", [by_head], f"{name}.by_step", perm=(0, 2, 1, 3))
    flat = reshaped(by_step, [steps, heads * size], f"{name}.flat")
    if layer.use_gate:
        gate = _projected(node, to, query, "gate", f"{name}.gate")
        opened = to.add("Sigmoid", [gate], f"{name}.opened")
        flat = to.add("Mul", [flat, opened], f"{name}.gated")
    return _projected(node, to, flat, "attention_output", name)


def _heads(
    node: Node, to: Builder, x: str, name: str, sizes: tuple[int, int], order: tuple[int, ...]
) -> str:
    """A projection into heads, its axes (batch, steps, heads, size) in another order."""
    prefix = f"{node.name}.{name}"
    projected = _projected(node, to, x, name, f"{prefix}.projected")
    shape = to.integers(f"{prefix}.shape", [0, -1, *sizes])
    heads = to.add("Reshape", [projected, shape], f"{prefix}.heads")
    return to.add("Transpose", [heads], prefix, perm=order)


def _projected(node: Node, to: Builder, x: str, name: str, output: str) -> str:
    """A Dense with a projection's kernel, whose axes are flattened to the axes of a matrix."""
    prefix = f"{node.name}.{name}"
    kernel = to.weights[f"{prefix}.kernel"]
    rows = kernel.shape[0] if name != "attention_output" else kernel.shape[0] * kernel.shape[1]
    matrix = to.constant(f"{prefix}.kernel", kernel.reshape(rows, -1))
    bias = to.weights.get(f"{prefix}.bias")
    if bias is None:
        return to.add("MatMul", [x, matrix], output)
    product = to.add("MatMul", [x, matrix], f"{prefix}.product")
    return to.add("Add", [product, to.constant(f"{prefix}.bias", bias.ravel())], output)


@lower.register
def _(layer: Attention, node: Node, to: Builder, *x: str) -> str:
    query, value, key = _roles(x)
    name, weights = node.name, to.weights_of(node)
    if layer.score_mode == "dot":
        turned = to.add("Transpose", [key], f"{name}.key", perm=(0, 2, 1))
        if layer.use_scale:
            query = to.add("Mul", [query, weights["scale"]], f"{name}.scaled")
        scores = to.add("MatMul", [query, turned], f"{name}.scores")
    else:
        sums = _sums(node, to, query, key)
        if layer.use_scale:
            sums = to.add("Mul", [sums, weights["scale"]], f"{name}.scaled")
        terms = to.add("Tanh", [sums], f"{name}.terms")
        total = _total(node, to, terms)
        scores = to.add("Mul", [total, weights["concat_score_weight"]], f"{name}.scores")
    return _attended(layer, node, to, scores, value, name)


@lower.register
def _(layer: AdditiveAttention, node: Node, to: Builder, *x: str) -> str:
    query, value, key = _roles(x)
    terms = to.add("Tanh", [_sums(node, to, query, key)], f"{node.name}.terms")
    if layer.use_scale:
        scores = to.add("MatMul", [terms, to.weights_of(node)["scale"]], f"{node.name}.scores")
    else:
        scores = _total(node, to, terms)
    return _attended(layer, node, to, scores, value, node.name)


def _roles(x: tuple[str, ...]) -> tuple[str, str, str]:
    """The tensors of query, value and key."""
    query, *others = x
    value = others[0] if others else query
    return query, value, others[1] if len(others) > 1 else value


def _sums(node: Node, to: Builder, query: str, key: str) -> str:
    """The sum of every query with every key: (batch, queries, keys, size)."""
    name = node.name
    down = to.add("Unsqueeze", [query, to.integers(f"{name}.keys", [2])], f"{name}.down")
    across = to.add("Unsqueeze", [key, to.integers(f"{name}.queries", [1])], f"{name}.across")
    return to.add("Add", [down, across], f"{name}.sums")


def _total(node: Node, to: Builder, terms: str) -> str:
    last = to.integers(f"{node.name}.features", [-1])
    return to.add("ReduceSum", [terms, last], f"{node.name}.total", keepdims=0)


def _attended(
    layer: Attending, node: Node, to: Builder, scores: str, value: str, output: str
) -> str:
    """The mean of the values, weighted by the softmax of the scores."""
    return to.add("MatMul", [_weights(layer, node, to, scores), value], output)


def _weights(layer: Attending, node: Node, to: Builder, scores: str) -> str:
    """The softmax of the scores of the steps that are seen."""
    query, values, _ = layer.roles(node.input_shapes)
    step, other = np.indices((query[0], values[0]))
    hidden = (other > step) & layer.use_causal_mask
    if isinstance(layer, GroupedQueryAttention) and layer.sliding_window is not None:
        hidden |= abs(step - other) >= layer.sliding_window
    if hidden.any():
        mask = to.constant(f"{node.name}.mask", np.where(hidden, -np.inf, 0))
        scores = to.add("Add", [scores, mask], f"{node.name}.masked")
    return to.add("Softmax", [scores], f"{node.name}.weights", axis=-1)
