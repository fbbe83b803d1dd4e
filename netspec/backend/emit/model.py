"""What a generated module contains of every network: what it takes and returns, and its axes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from netspec.backend.emit.code import WIDTH, call
from netspec.backend.emit.cut import cut
from netspec.backend.emit.document import Document
from netspec.backend.emit.module import lines_of, table
from netspec.graph import Graph
from netspec.language.layers import written
from netspec.numerics import mismatch
from netspec.text.diagnostics import one_of


def describe_model(graph: Graph, about: str, outputs: str) -> str:
    """A line with the inputs of a model, something about the model, and its outputs.

    That is the shapes, or how many there are where those are too long for a docstring's line.
    """
    input_shapes = ", ".join(written(tensor.shape) for tensor in graph.inputs)
    output_shapes = ", ".join(written(node.shape) for node in graph.output_nodes)
    line = f"Inputs {input_shapes}{about} to {outputs} {output_shapes}."
    if len(line) <= WIDTH - 10:
        return line
    return f"{len(graph.inputs)} inputs{about} to {len(graph.outputs)} outputs."


def describe_division(scales: Mapping[str, float]) -> str:
    """What a line about a model adds where its inputs are divided, by the names of the inputs.

    >>> describe_division({"image": 255.0, "words": 1.0})
    ', all but words divided by 255,'
    """
    undivided = [name for name, scale in scales.items() if scale == 1]
    if len(undivided) == len(scales):
        return ""
    divided = f", all but {one_of(undivided, 'and')} divided" if undivided else ", divided"
    return f"{divided} by {next(scale for scale in scales.values() if scale != 1):g},"


def axes_table(graph: Graph) -> Document:
    """The axes of every weight."""
    rows = [
        call(
            f'"{key}": ',
            [f'"{role}": {size}' for role, size in weight.sizes.items()],
            ",",
            brackets="{}",
        )
        for key, weight in graph.weights()
    ]
    return table("The axes of every weight in a weights file.", "AXES", rows)


def weights_check() -> Document:
    """The function that finds weights that do not fit, by the table of their axes."""
    return lines_of(cut(Path(mismatch.__file__), "find_mismatch"))
