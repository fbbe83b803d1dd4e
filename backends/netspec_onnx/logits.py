"""Takes the final activations off a model, which then returns the logits."""

from __future__ import annotations

from collections.abc import Sequence

from onnx import ModelProto, NodeProto, load_model_from_string

from netspec.language.layers.activations import ActivationName
from netspec.text.diagnostics import BackendError

OPERATORS: dict[ActivationName, str] = {"softmax": "Softmax", "sigmoid": "Sigmoid"}

MOVING_VALUES = frozenset({"Cast", "Identity", "Transpose"})
"""Operators that may come after an activation, and pass its values on."""


def without_activations(content: bytes, taken_off: Sequence[ActivationName | None]) -> bytes:
    """A model without the activations of its outputs, in their order; None is an output unchanged.

    Raises BackendError where the model does not end in these activations.
    """
    model = load_model_from_string(content)
    outputs = [output.name for output in model.graph.output]
    if len(outputs) != len(taken_off):
        raise _changed(f"the model has {len(outputs)} outputs, and its spec has {len(taken_off)}")
    for name, activation in zip(outputs, taken_off, strict=True):
        if activation is None:
            continue
        last = _last_operator(model, name)
        if last is None or last.op_type != OPERATORS[activation]:
            raise _changed(f"the output {name} does not end in {activation}, as its spec does")
        last.op_type = "Identity"
        del last.attribute[:]
    return model.SerializeToString()


def _last_operator(model: ModelProto, output: str) -> NodeProto | None:
    """The operator that computes the values of an output; None where no operator does."""
    nodes = {name: node for node in model.graph.node for name in node.output}
    node = nodes.get(output)
    while node is not None and node.op_type in MOVING_VALUES:
        node = nodes.get(node.input[0])
    return node


def _changed(fault: str) -> BackendError:
    return BackendError(fault, "pass a file that netspec exported, unchanged")
