"""The parameter table, from the graph alone."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from math import prod
from typing import TYPE_CHECKING, Any

from netspec.graph import Graph
from netspec.layers import Shape, written

if TYPE_CHECKING:
    from rich.table import Table

FLOAT32_BYTES = 4


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

    `activation_bytes` counts the input and the output of every layer.
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
    )


def table(summary: Summary) -> Table:
    """The summary for a terminal."""
    from rich import box
    from rich.table import Table

    shown = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False)
    shown.add_column("Layer (type)", no_wrap=True)
    shown.add_column("Output shape", no_wrap=True)
    for figure in ("Parameters", "Subtotal", "Multiply-adds"):
        shown.add_column(figure, justify="right", no_wrap=True)
    for row in summary.rows:
        figures = row.parameters, row.subtotal, row.multiply_adds
        name = f"{row.name} ({row.type})"
        shown.add_row(name, written(row.output_shape), *(f"{figure:,}" for figure in figures))
    return shown


def totals(summary: Summary) -> list[tuple[str, str]]:
    """What stands below the table: a name and a figure each."""
    return [
        ("Parameters", f"{summary.parameters:,}"),
        ("Trainable", f"{summary.trainable:,}"),
        ("Non-trainable", f"{summary.non_trainable:,}"),
        ("Multiply-adds", f"{summary.multiply_adds:,} an example"),
        ("Weights", in_bytes(summary.weight_bytes)),
        ("Activations", f"{in_bytes(summary.activation_bytes)} an example"),
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
