"""Layers around a layer, in ONNX."""

from __future__ import annotations

from netspec.graph import Node
from netspec.language.layers.wrapping import Bidirectional, FoldSteps, UnfoldSteps
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.recurrent import OPERATORS, activations, operator
from netspec_onnx.lower.scan import scan

REDUCTIONS = {"sum": "ReduceSum", "mul": "ReduceProd", "ave": "ReduceMean"}
"""The merge modes that reduce the axis of the directions."""


@lower.register
def _(layer: Bidirectional, node: Node, to: Builder, x: str) -> str:
    directions = [
        {
            name.removeprefix(f"{direction}."): to.weights[f"{node.name}.{name}"]
            for name in (weight.name for weight in node.weights)
            if name.startswith(direction)
        }
        for direction in ("forward", "backward")
    ]
    if not activations(layer.layer) <= OPERATORS.keys():
        both = [
            scan(layer.layer, weights, f"{node.name}.{way}", to, x, backwards=back, in_order=True)
            for weights, way, back in zip(
                directions, ("forward", "backward"), (False, True), strict=True
            )
        ]
        return _merged(layer, both, node.name, to)
    states = operator(layer.layer, directions, node.name, to, x, "bidirectional")
    # (steps, 2, batch, units), or (2, batch, units) for the last states
    axis = 1 if layer.layer.return_sequences else 0
    if layer.merge_mode == "concat":
        order = (2, 0, 1, 3) if layer.layer.return_sequences else (1, 0, 2)
        by_step = to.add("Transpose", [states], f"{node.name}.by_step", perm=order)
        shape = to.integers(f"{node.name}.shape", [0, *node.shape])
        return to.add("Reshape", [by_step, shape], node.name)
    name = f"{node.name}.merged" if axis else node.name
    over = to.integers(f"{node.name}.directions", [axis])
    merged = to.add(REDUCTIONS[layer.merge_mode], [states, over], name, keepdims=0)
    return to.add("Transpose", [merged], node.name, perm=(1, 0, 2)) if axis else merged


def _merged(layer: Bidirectional, both: list[str], name: str, to: Builder) -> str:
    """The outputs of both directions, which are separate tensors, merged into one."""
    match layer.merge_mode:
        case "concat":
            return to.add("Concat", both, name, axis=-1)
        case "sum":
            return to.add("Add", both, name)
        case "mul":
            return to.add("Mul", both, name)
        case "ave":
            return to.add("Mean", both, name)


@lower.register
def _(_layer: FoldSteps, node: Node, to: Builder, x: str) -> str:
    shape = to.integers(f"{node.name}.shape", [-1, *node.shape])
    return to.add("Reshape", [x, shape], node.name)


@lower.register
def _(_layer: UnfoldSteps, node: Node, to: Builder, x: str, sequences: str) -> str:
    # The batch axis by name: -1 would leave the checker of the model without it.
    batch = to.add("Shape", [sequences], f"{node.name}.batch", start=0, end=1)
    sizes = to.integers(f"{node.name}.sizes", node.shape)
    shape = to.add("Concat", [batch, sizes], f"{node.name}.shape", axis=0)
    return to.add("Reshape", [x, shape], node.name)
