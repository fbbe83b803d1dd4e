"""The parameter table of a graph."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from netspec.graph import Graph
from netspec.language.layers import Shape, written
from netspec.text.tables import write_table

FLOAT32_BYTES = 4

VIEWS = ("Flatten", "Reshape")
"""The layers whose output is their input with other axes."""


@dataclass(frozen=True)
class Row:
    """A layer of the table. `subtotal` counts the parameters up to this layer, including it."""

    name: str
    type: str
    output_shape: Shape
    parameters: int
    subtotal: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The table of a graph, and its totals. Sizes are in bytes of float32 values, for one example.

    `activation_bytes` counts the input and the output of every layer. `kept_bytes` is the part that
    training keeps for the backward pass.
    """

    name: str
    inputs: dict[str, Shape]
    rows: tuple[Row, ...]
    parameters: int
    trainable: int
    non_trainable: int
    multiply_adds: int
    weight_bytes: int
    activation_bytes: int
    kept_bytes: int

    def to_json(self) -> dict[str, Any]:
        """The same as JSON data."""
        return asdict(self)


def summarize(graph: Graph) -> Summary:
    """The table of a graph; no framework is loaded."""
    rows: list[Row] = []
    subtotal = 0
    for node in graph.nodes:
        subtotal += node.parameters
        counts = node.parameters, subtotal, node.multiply_adds
        rows.append(Row(node.name, node.layer.tag, node.shape, *counts))
    trainable = sum(weight.size for _, weight in graph.weights() if weight.trainable)
    shapes = [tensor.shape for tensor in (*graph.inputs, *graph.nodes)]
    values = sum(prod(shape) for shape in shapes)
    return Summary(
        name=graph.name,
        inputs={input_.name: input_.shape for input_ in graph.inputs},
        rows=tuple(rows),
        parameters=subtotal,
        trainable=trainable,
        non_trainable=subtotal - trainable,
        multiply_adds=sum(row.multiply_adds for row in rows),
        weight_bytes=subtotal * FLOAT32_BYTES,
        activation_bytes=values * FLOAT32_BYTES,
        kept_bytes=kept_values(graph) * FLOAT32_BYTES,
    )


def kept_values(graph: Graph) -> int:
    """The number of float32 values of one example that training keeps for the backward pass.

    A tensor that several layers need is kept once. A layer without trainable weights, and without
    trainable weights before it, keeps nothing.
    """
    sizes = {tensor.name: prod(tensor.shape) for tensor in (*graph.inputs, *graph.nodes)}
    owners = {input_.name: input_.name for input_ in graph.inputs}
    with_gradient, kept, more = set[str](), set[str](), 0
    for node in graph.nodes:
        # A view of its input, in the same memory.
        owners[node.name] = owners[node.inputs[0]] if node.layer.tag in VIEWS else node.name
        trained = any(weight.trainable for weight in node.weights)
        if not trained and with_gradient.isdisjoint(node.inputs):
            continue
        with_gradient.add(node.name)
        needed = node.layer.infer_kept(node.input_shapes, node.shape)
        kept.update(owners[name] for name in node.inputs if needed.inputs)
        kept.update([owners[node.name]] if needed.output else [])
        more += needed.values
    return more + sum(sizes[name] for name in kept)


COLUMNS = ("Layer (type)", "Output shape", "Parameters", "Subtotal", "Multiply-adds")


def table(summary: Summary) -> str:
    """The summary for a terminal: a line of titles, a rule, and a line for every layer."""
    texts = [
        (
            f"{row.name} ({row.type})",
            written(row.output_shape),
            f"{row.parameters:,}",
            f"{row.subtotal:,}",
            f"{row.multiply_adds:,}",
        )
        for row in summary.rows
    ]
    return write_table(COLUMNS, texts, 2)


def totals(summary: Summary) -> list[tuple[str, str]]:
    """The lines below the table: a name and a number each."""
    return [
        ("Parameters", f"{summary.parameters:,}"),
        ("Trainable", f"{summary.trainable:,}"),
        ("Non-trainable", f"{summary.non_trainable:,}"),
        ("Multiply-adds", f"{summary.multiply_adds:,} an example"),
        ("Weights", in_bytes(summary.weight_bytes)),
        ("Activations", f"{in_bytes(summary.activation_bytes)} an example"),
        ("Backward pass", f"{in_bytes(summary.kept_bytes)} an example, kept in training"),
    ]


def in_bytes(count: int) -> str:
    """A size in the largest binary unit of which it has one.

    >>> in_bytes(373_288)
    '364.54 KiB'
    """
    size, units = float(count), ["B", "KiB", "MiB", "GiB", "TiB"]
    while size >= 1024 and len(units) > 1:
        size /= 1024
        units.pop(0)
    return f"{count} B" if units[0] == "B" else f"{size:.2f} {units[0]}"
