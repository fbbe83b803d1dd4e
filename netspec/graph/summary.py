"""The parameter table, from the graph alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from math import prod
from typing import Any

from netspec.graph import Graph
from netspec.language.layers import Shape, written

FLOAT32_BYTES = 4

VIEWS = ("Flatten", "Reshape")
"""The layers whose output is their input under other axes."""


@dataclass(frozen=True)
class Row:
    """A layer of the table. `subtotal` counts the parameters up to and with this layer."""

    name: str
    type: str
    output_shape: Shape
    parameters: int
    subtotal: int
    multiply_adds: int


@dataclass(frozen=True)
class Summary:
    """The table of a graph, and its totals. Sizes are in bytes of float32 values, for one example.

    `activation_bytes` counts the input and the output of every layer. `kept_bytes` is what training
    keeps of them for the backward pass.
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
        figures = node.parameters, subtotal, node.multiply_adds
        rows.append(Row(node.name, node.layer.tag, node.shape, *figures))
    trainable = sum(weight.size for _, weight in graph.weights() if weight.trainable)
    shapes = [each.shape for each in (*graph.inputs, *graph.nodes)]
    values = sum(prod(shape) for shape in shapes)
    return Summary(
        name=graph.name,
        inputs={each.name: each.shape for each in graph.inputs},
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
    """How many float32 values of one example training keeps for the backward pass.

    A tensor that several layers need is kept once. A layer that no trainable weight comes before,
    and that has none, keeps nothing.
    """
    sizes = {each.name: prod(each.shape) for each in (*graph.inputs, *graph.nodes)}
    owners = {each.name: each.name for each in graph.inputs}
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
GAP = "   "


def table(summary: Summary) -> str:
    """The summary for a terminal: a line of titles, a rule, and a line for every layer."""
    cells = [
        (
            f"{row.name} ({row.type})",
            written(row.output_shape),
            f"{row.parameters:,}",
            f"{row.subtotal:,}",
            f"{row.multiply_adds:,}",
        )
        for row in summary.rows
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *cells, strict=True)]
    rule = "─" * (sum(widths) + len(GAP) * (len(widths) - 1))
    titles, *lines = (_line(each, widths) for each in (COLUMNS, *cells))
    return "\n".join([titles, rule, *lines])


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    """A line of the table: texts stand left, figures right."""
    texts = [cell.ljust(width) for cell, width in zip(cells[:2], widths[:2], strict=True)]
    figures = [cell.rjust(width) for cell, width in zip(cells[2:], widths[2:], strict=True)]
    return GAP.join(texts + figures)


def totals(summary: Summary) -> list[tuple[str, str]]:
    """What stands below the table: a name and a figure each."""
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
