"""What a model may take: the nodes that it runs and the sizes of its values, known beforehand."""

from __future__ import annotations

from collections.abc import Iterator
from math import prod

from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    shape_inference,
)

from netspec.text.diagnostics import BackendError

MAX_NODES = 50_000
"""Nodes of a model and of its subgraphs. ResNet-50 has 126."""

MAX_STEPS = 100_000_000
"""Nodes that run for an example: the nodes of a Scan run once for every step."""

MAX_ELEMENTS = 1 << 28
"""Elements of a value for one example, 1 GiB of float32."""

_SMALL = 1024
"""Elements of an initializer that may be a shape, which the sizes of values depend on."""

_UNBOUNDED = frozenset({"Loop", "SequenceMap"})
"""Operators whose number of runs is in the file."""

_ENLARGING = frozenset({"ConstantOfShape", "Expand", "Pad", "Range", "Resize", "Tile", "OneHot"})
"""Operators whose output has a size that is computed: it must be known before they run."""

_HELP = "pass a file that netspec exported"


def check_bounds(model: ModelProto) -> None:
    """Raise BackendError where a model has no bound on its time and memory, or exceeds it."""
    if model.functions:
        raise BackendError("the model has functions, whose calls have no bound", _HELP)
    if model.graph.sparse_initializer:
        raise BackendError("the model has sparse weights", _HELP)
    for count, node in enumerate(_nodes(model.graph), 1):
        if count > MAX_NODES:
            raise BackendError(f"the model has more than {MAX_NODES:,} nodes", _HELP)
        if node.op_type in _UNBOUNDED:
            message = f"the model has the operator {node.op_type}, whose steps have no bound"
            raise BackendError(message, _HELP)
    _check_texts(model.graph)
    shapes = _shapes(model)
    _check_sizes(model.graph, shapes)
    steps = _steps(model.graph, shapes)
    if steps > MAX_STEPS:
        message = f"the model runs {steps:,} nodes for an example, more than {MAX_STEPS:,}"
        raise BackendError(message, _HELP)


def _check_texts(graph: GraphProto) -> None:
    """Raise BackendError where an operator of ai.onnx.ml is not one that netspec writes.

    The inference of LabelEncoder ends the process where its input has no type (onnx 1.23.2).
    """
    typed = {
        value.name
        for value in (*graph.input, *graph.value_info)
        if value.type.tensor_type.elem_type in (TensorProto.STRING, TensorProto.INT64)
    }
    for node in _nodes(graph):
        known = node.op_type == "LabelEncoder" and len(node.input) == 1 and node.input[0] in typed
        if node.domain == "ai.onnx.ml" and not known:
            message = f"the model has the operator {node.op_type}, and not of a column of texts"
            raise BackendError(message, _HELP)


def _subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        if attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    """The nodes of a graph and of the graphs in them."""
    for node in graph.node:
        yield node
        for inner in _subgraphs(node):
            yield from _nodes(inner)


def _steps(graph: GraphProto, shapes: dict[str, tuple[int, ...]]) -> int:
    """How many nodes run for an example. A Scan whose length is not known exceeds the bound."""
    steps = 0
    for node in graph.node:
        length = _scan_length(node, shapes) if node.op_type == "Scan" else 1
        steps += 1 + length * sum(_steps(inner, shapes) for inner in _subgraphs(node))
    return steps


def _scan_length(node: NodeProto, shapes: dict[str, tuple[int, ...]]) -> int:
    attributes = {
        attribute.name: helper.get_attribute_value(attribute) for attribute in node.attribute
    }
    count = attributes.get("num_scan_inputs", 1)
    axes = attributes.get("scan_input_axes") or [0] * count
    shape = shapes.get(node.input[-count], ()) if 0 < count <= len(node.input) else ()
    return shape[axes[0]] if axes[0] < len(shape) else MAX_STEPS + 1


def _shapes(model: ModelProto) -> dict[str, tuple[int, ...]]:
    """The shapes of the values for one example, as far as ONNX infers them."""
    try:
        inferred = shape_inference.infer_shapes(_without_weights(model), data_prop=True)
    except (shape_inference.InferenceError, ValueError, RuntimeError) as error:
        reason = str(error).partition("\n")[0]
        raise BackendError(f"the sizes of the model cannot be known: {reason}", _HELP) from None
    values = (*inferred.graph.value_info, *inferred.graph.input, *inferred.graph.output)
    return {value.name: shape for value in values if (shape := _shape(value)) is not None}


def _shape(value: ValueInfoProto) -> tuple[int, ...] | None:
    """The sizes of a value; an axis without a size, such as the batch's, counts as 1."""
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return None
    return tuple(axis.dim_value if axis.HasField("dim_value") else 1 for axis in tensor.shape.dim)


def _without_weights(model: ModelProto) -> ModelProto:
    """The model with inputs instead of large weights, which shapes do not depend on."""
    graph = GraphProto(name=model.graph.name, node=model.graph.node, output=model.graph.output)
    graph.value_info.extend(model.graph.value_info)
    weights = {tensor.name for tensor in model.graph.initializer}
    graph.input.extend(value for value in model.graph.input if value.name not in weights)
    for tensor in model.graph.initializer:
        if _elements(tensor) <= _SMALL:
            graph.initializer.append(tensor)
        else:
            info = helper.make_tensor_value_info(tensor.name, tensor.data_type, tensor.dims)
            graph.input.append(info)
    return ModelProto(ir_version=model.ir_version, opset_import=model.opset_import, graph=graph)


def _elements(tensor: TensorProto) -> int:
    return prod(tensor.dims)


def _check_sizes(graph: GraphProto, shapes: dict[str, tuple[int, ...]]) -> None:
    for name, shape in shapes.items():
        if any(size < 0 for size in shape) or prod(max(size, 1) for size in shape) > MAX_ELEMENTS:
            message = f"the value {name} of the model has the shape {list(shape)} for an example"
            raise BackendError(message, f"the limit is {MAX_ELEMENTS:,} elements")
    known = shapes.keys()
    for node in _nodes(graph):
        missing = [name for name in node.output if name and name not in known]
        if node.op_type in _ENLARGING and missing:
            message = f"the size of {missing[0]}, an output of {node.op_type}, is not known"
            raise BackendError(message, _HELP)
