"""Writes the ONNX model of a program: the graph, the metadata, the check."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    checker,
    defs,
    helper,
    shape_inference,
)

from netspec.backend import Program
from netspec.data.loading import input_columns
from netspec.data.preparation import Preparation
from netspec.graph import Graph
from netspec.text.diagnostics import BackendError, one_of
from netspec_onnx.columns import BATCH, joined, preparation_graph
from netspec_onnx.lower import Builder, lower
from netspec_onnx.padding import pad_in_convolutions
from netspec_onnx.seal import HASH, sealed

OUTPUT = "output"

OLDEST_OPSET = 18
DEFAULT_OPSET = 20

MAX_WEIGHT_BYTES = checker.MAXIMUM_PROTOBUF - 2**26  # leaves room for the nodes and the metadata


def export(
    program: Program,
    *,
    opset: int | None = None,
    raw_input: bool = False,
    metadata: Mapping[str, str],
    preparation: Preparation | None = None,
) -> bytes:
    """The content of an ONNX file that computes a program's outputs.

    Its inputs have the names of the graph's, (batch, height, width, channels) float32 for an image,
    and uint8 for raw input. An only output is called `output`; several have the names of their
    layers. With a preparation the inputs are the columns of the user's table, with their names:
    (batch) float64 for numbers and string for categories. The same arguments produce the same
    bytes.

    Raises BackendError where `opset` is not from 18 to ONNX's newest, or where the weights exceed
    the 2 GiB of an ONNX file.
    """
    opset = _checked_opset(opset)
    graph = program.graph
    _check_size(graph)
    builder = Builder(opset, program.weights)
    tensors = {model_input.name: model_input.name for model_input in graph.inputs}
    if raw_input:
        (name,) = tensors
        tensors[name] = builder.add("Cast", [name], f"{name}.float32", to=TensorProto.FLOAT)
    outputs = _output_names(program)
    _lower_graph(graph, outputs, tensors, builder)
    if "fold_padding" in program.passes:
        pad_in_convolutions(builder, outputs)
    model = _model(program, builder, TensorProto.UINT8 if raw_input else TensorProto.FLOAT)
    # The hash is at the end of the file; see `seal`.
    helper.set_model_props(model, {**metadata, HASH: "sha256"})
    _declare_outputs(model, graph)
    if preparation:
        model = _with_columns(model, graph, preparation)
    return sealed(model.SerializeToString(deterministic=True))


def _with_columns(model: ModelProto, graph: Graph, preparation: Preparation) -> ModelProto:
    """The model with the columns of a table as inputs, checked."""
    opset = next(used.version for used in model.opset_import if not used.domain)
    names = input_columns(graph)
    if {*names.values()} != {*preparation.inputs}:
        prepared = one_of([*preparation.inputs], "and")
        message = f"the record of the data prepares {prepared}, and {graph.name} has others"
        raise BackendError(message, "train the network again")
    inputs = [(preparation.inputs[names[input_.name]], input_.shape) for input_ in graph.inputs]
    whole = joined(model, preparation_graph(inputs, opset, preparation.axes))
    whole.ir_version = helper.find_min_ir_version_for([*whole.opset_import], ignore_unknown=True)
    try:
        checker.check_model(whole, full_check=True)  # pyright: ignore[reportUnknownMemberType] - its PathLike
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise own_bug(f"the ONNX model of {graph.name}", str(error)) from error
    return whole


def _checked_opset(opset: int | None) -> int:
    newest = defs.onnx_opset_version()
    if opset is None:
        return DEFAULT_OPSET
    if not OLDEST_OPSET <= opset <= newest:
        help = f"choose one from {OLDEST_OPSET} to {newest}, or none for {DEFAULT_OPSET}"
        raise BackendError(f"netspec cannot write ONNX's opset {opset}", help)
    return opset


def _check_size(graph: Graph) -> None:
    size = 4 * sum(node.parameters for node in graph.nodes)
    if size > MAX_WEIGHT_BYTES:
        message = f"the weights take {size / 2**30:.1f} GiB, and an ONNX file holds at most 2 GiB"
        raise BackendError(message, "make the network smaller, or keep it in safetensors")


def _output_names(program: Program) -> tuple[str, ...]:
    """The names of the outputs in the file."""
    return (OUTPUT,) if len(program.outputs) == 1 else program.outputs


def _model(program: Program, builder: Builder, element: int) -> ModelProto:
    graph = helper.make_graph(
        builder.nodes,
        program.graph.name,
        [
            helper.make_tensor_value_info(model_input.name, element, [BATCH, *model_input.shape])
            for model_input in program.graph.inputs
        ],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in _output_names(program)
        ],
        list(builder.constants.values()),
        program.description,
    )
    opsets = [helper.make_opsetid("", builder.opset)]
    # The oldest file format that can hold this opset is the one that most runtimes open.
    ir_version = helper.find_min_ir_version_for(opsets)
    return helper.make_model(
        graph, producer_name="netspec", opset_imports=opsets, ir_version=ir_version
    )


def _declare_outputs(model: ModelProto, graph: Graph) -> None:
    """Write the outputs' shapes into the model, once ONNX has inferred the same; then check all."""
    shown = f"the ONNX model of {graph.name}"
    try:
        inferred = shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True
        )
        inferred_sizes = [_sizes(output) for output in inferred.graph.output]
        expected: list[list[str | int]] = [[BATCH, *node.shape] for node in graph.output_nodes]
        if inferred_sizes != expected:
            raise own_bug(shown, f"its outputs are {inferred_sizes}, not {expected}")
        for output, sizes in zip(model.graph.output, expected, strict=True):
            declared = helper.make_tensor_value_info(output.name, TensorProto.FLOAT, sizes)
            output.CopyFrom(declared)
        checker.check_model(model, full_check=True)  # pyright: ignore[reportUnknownMemberType] - its PathLike
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise own_bug(shown, str(error)) from error


def _sizes(value: ValueInfoProto) -> list[str | int]:
    """The inferred sizes; the batch axis by its name also where inference has lost it.

    The inference of Resize (onnx/defs/tensor/utils.cc, 1.23) renames an axis without a size.
    """
    return [
        BATCH if axis.dim_param.startswith("unk__") else axis.dim_param or axis.dim_value
        for axis in value.type.tensor_type.shape.dim
    ]


def own_bug(model: str, reason: str) -> BackendError:
    """The error for an unsound model that was just written: a bug, which no user can correct."""
    message = f"{model} fails ONNX's own check: {reason}"
    return BackendError(message, "this is a bug of netspec; please report it with the spec")


def _lower_graph(
    graph: Graph, outputs: Sequence[str], tensors: dict[str, str], to: Builder
) -> None:
    """Append the operators of the graph; `tensors` contains the name of each input's tensor."""
    for node in graph.nodes:
        inputs = [tensors[name] for name in node.inputs]
        tensors[node.name] = lower(node.layer, node, to, *inputs)
    computed_names = {name for node in to.nodes for name in node.output}
    names: dict[str, str] = {}
    for output, name in zip(outputs, graph.outputs, strict=True):
        last = tensors[name]
        # A tensor that is an input, or another output too, needs a separate name.
        if last not in computed_names or last in names:
            last = to.add("Identity", [last], f"{name}.output")
        names[last] = output
    _rename(to.nodes, names)


def _rename(nodes: Sequence[NodeProto], names: dict[str, str]) -> None:
    """Rename tensors; a tensor that already has one of the new names is renamed too."""
    inner = {name: f"{name}.inner" for name in names.values() if name not in names}
    names = {**inner, **names}
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
