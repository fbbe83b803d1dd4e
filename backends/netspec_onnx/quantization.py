"""Smaller ONNX models: 8-bit integers, calibrated on examples, or floating point of 16 bits."""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs] - it ships none
from numpy.typing import NDArray
from onnx import (
    GraphProto,
    ModelProto,
    NodeProto,
    TensorProto,
    checker,
    helper,
    load_model_from_string,
    numpy_helper,
    shape_inference,
)

from netspec.backend import Quantization, chunks
from netspec.text.diagnostics import BackendError
from netspec_onnx.columns import joined, separated
from netspec_onnx.model import own_bug
from netspec_onnx.session import reason_of, silence_log

ort: Any = onnxruntime  # Any: it ships no types

CALIBRATION_BATCH = 32
"""How many examples run at once: every tensor of the graph is kept until its range is known."""

INT8_OPERATORS = (
    "Add",
    "AveragePool",
    "Clip",
    "Concat",
    "Conv",
    "ConvTranspose",
    "Flatten",
    "Gather",
    "Gemm",
    "GlobalAveragePool",
    "MatMul",
    "MaxPool",
    "Pad",
    "Relu",
    "Reshape",
    "Slice",
    "Squeeze",
    "Transpose",
    "Unsqueeze",
)
"""What is computed with integers: products, and what passes their results on.

The others stay float: exponentials and norms lose too much in 8 bits, and the outputs of the
network would have 256 values.
"""

_NOT_INT8 = "export it without --quantize, or as fp16"


def quantized(content: bytes, to: Quantization, inputs: Sequence[NDArray[Any]]) -> bytes:
    """A smaller form of a model. The preparation of the columns of a table is unchanged."""
    parts = separated(load_model_from_string(content))
    network = parts.network.SerializeToString() if parts.preparation else content
    smaller = int8(network, inputs) if to == "int8" else float16(network)
    if parts.preparation is None:
        return smaller
    whole = joined(load_model_from_string(smaller), parts.preparation.graph)
    return whole.SerializeToString(deterministic=True)


def int8(content: bytes, inputs: Sequence[NDArray[Any]]) -> bytes:
    """A model whose products are of 8-bit integers, written as QuantizeLinear and DequantizeLinear.

    Weights are int8, symmetric, from -64 to 64, with a scale for every output channel. With these
    7 bits no processor's sums overflow (see `netspec_onnx.saturation`). Other tensors are uint8;
    their ranges go from the minimum to the maximum that they have for `inputs` (n, …), one array
    for each input of the model. Biases are int32. See `quantize_static` of
    onnxruntime.quantization.

    Raises BackendError where the model has no such product, and where onnxruntime fails.
    """
    model = load_model_from_string(content)
    names = [tensor.name for tensor in model.graph.input]
    helper.set_model_props(model, {"onnx.quant.pre_process": "onnxruntime.quant"})
    with _quiet(), TemporaryDirectory(prefix="netspec.") as folder:
        path = Path(folder) / "int8.onnx"
        _quantize(model, path, _Reader(dict(zip(names, inputs, strict=True))))
        quantized = load_model_from_string(path.read_bytes())
    if not any(
        constant.data_type == TensorProto.INT8 and constant.dims
        for constant in quantized.graph.initializer
    ):
        message = f"{model.graph.name} has nothing that int8 makes smaller"
        raise BackendError(message, _NOT_INT8)
    _drop_zeros(quantized.graph)
    return _finished(quantized, content, "int8")


def _quantize(model: ModelProto, path: Path, reader: _Reader) -> None:
    """Write a model of 8-bit integers. Raises BackendError where onnxruntime fails."""
    from onnxruntime.quantization import (  # pyright: ignore[reportMissingTypeStubs]
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )

    try:
        quantize_static(
            model,
            path,
            reader,
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(INT8_OPERATORS),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            reduce_range=True,
            calibrate_method=CalibrationMethod.MinMax,
        )
    except Exception as error:  # what it raises shares no class
        reason = f"{type(error).__name__}: {reason_of(error)}"
        message = f"onnxruntime.quantization cannot make {model.graph.name} int8: {reason}"
        raise BackendError(message, _NOT_INT8) from error


def _drop_zeros(graph: GraphProto) -> None:
    """Leave out the zero points of biases and of kernels, which are all 0: no zero point means 0.

    The zero points of matrices stay: without them ONNX Runtime 1.32 makes no integer product.
    """
    constants = {constant.name: constant for constant in graph.initializer}
    kernels = {node.input[1] for node in graph.node if node.op_type == "Conv"}
    for node in graph.node:
        if node.op_type != "DequantizeLinear" or node.input[0] not in constants:
            continue
        is_bias = constants[node.input[0]].data_type == TensorProto.INT32
        zeros = numpy_helper.to_array(constants[node.input[2]])
        if (is_bias or node.output[0] in kernels) and not zeros.any():
            del node.input[2]
    used = {name for node in graph.node for name in (*node.input, *_captured(node))}
    kept = [constant for constant in graph.initializer if constant.name in used]
    del graph.initializer[:]
    graph.initializer.extend(kept)


class _Reader:
    """Batches of inputs by name, as onnxruntime.quantization.CalibrationDataReader returns them."""

    def __init__(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        self._inputs = inputs
        count = len(next(iter(inputs.values())))
        self._parts = chunks(count, CALIBRATION_BATCH)

    def get_next(self) -> dict[str, NDArray[Any]] | None:
        part = next(self._parts, None)
        return None if part is None else {name: array[part] for name, array in self._inputs.items()}


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep what onnxruntime.quantization prints and logs from the terminal."""
    silence_log()
    # Without a handler, logging.warning() would add one to the root logger permanently.
    root, nothing, before = logging.getLogger(), logging.NullHandler(), logging.root.manager.disable
    root.addHandler(nothing)
    logging.disable(logging.ERROR)
    try:
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)
        root.removeHandler(nothing)


FLOAT32_OPERATORS = frozenset(
    {
        "CumSum",
        "Div",
        "Einsum",
        "Erf",
        "Exp",
        "GRU",
        "InstanceNormalization",
        "LSTM",
        "LayerNormalization",
        "Loop",
        "RMSNormalization",
        "ReduceLogSumExp",
        "ReduceMean",
        "ReduceSum",
        "Resize",
        "RNN",
        "Scan",
        "Softmax",
        "Softplus",
        "Sqrt",
    }
)
"""What stays float32: sums and powers that leave the range of float16, as in PyTorch's autocast,
and operators that take only float32, or that ONNX Runtime runs only in float32."""


def float16(content: bytes) -> bytes:
    """A model that keeps its weights, and computes what it can, in floating point of 16 bits.

    Inputs and outputs stay as they are. A constant outside the range of float16 stays float32, and
    so do the nodes that read it. Nodes that compute an index also stay float32: float16 is exact
    only up to 2,048.
    """
    model = shape_inference.infer_shapes(
        load_model_from_string(content), check_type=True, data_prop=True
    )
    graph = model.graph
    floats = _floats(graph)
    large = {
        constant.name
        for constant in graph.initializer
        if constant.name in floats and not _fits(constant)
    }
    exact = _exact(graph, large)
    constants = {constant.name for constant in graph.initializer if constant.name in floats - large}
    halves = constants.union(*(node.output for node in graph.node if node.name not in exact))
    halves &= floats
    singles = {output.name for output in graph.output}
    half_inputs: set[str] = set()
    for node in graph.node:
        (singles if node.name in exact else half_inputs).update(node.input, _captured(node))

    def casts(names: Sequence[str]) -> list[NodeProto]:
        """Casts of tensors that were just computed to the other size, where a node reads it."""
        return [
            helper.make_node("Cast", [_half(name)], [name], f"{name}.cast", to=TensorProto.FLOAT)
            if name in halves
            else helper.make_node(
                "Cast", [name], [_half(name)], f"{name}.cast", to=TensorProto.FLOAT16
            )
            for name in names
            if name in floats and name in (singles if name in halves else half_inputs)
        ]

    nodes = casts([tensor.name for tensor in (*graph.input, *graph.initializer)])
    for node in graph.node:
        names = list(node.output)
        if node.name not in exact:
            node.input[:] = [_half(name) if name in floats else name for name in node.input]
            node.output[:] = [_half(name) if name in floats else name for name in node.output]
        nodes += [node, *casts(names)]
    for constant in graph.initializer:
        if constant.name in constants:
            value = numpy_helper.to_array(constant).astype(np.float16)
            constant.CopyFrom(numpy_helper.from_array(value, _half(constant.name)))
    del graph.node[:], graph.value_info[:]
    graph.node.extend(nodes)
    return _finished(model, content, "fp16")


def _half(name: str) -> str:
    """The name of a tensor's twin of 16 bits."""
    return f"{name}.float16"


def _floats(graph: GraphProto) -> set[str]:
    """The names of the float32 tensors."""
    values = (*graph.input, *graph.value_info, *graph.output)
    names = {
        value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    return names | {
        constant.name for constant in graph.initializer if constant.data_type == TensorProto.FLOAT
    }


def _fits(constant: TensorProto) -> bool:
    """Whether float16 holds the largest of the values, and not all of them as 0."""
    largest = np.abs(numpy_helper.to_array(constant)).max(initial=0)
    info = np.finfo(np.float16)
    return bool(largest == 0 or info.smallest_normal <= largest <= info.max)


def _exact(graph: GraphProto, large: set[str]) -> set[str]:
    """The names of the nodes that compute in float32."""
    exact: set[str] = set()
    whole: set[str] = set()  # what an index is made of
    for node in reversed(graph.node):
        to_index = node.op_type == "Cast" or not whole.isdisjoint(node.output)
        if to_index:
            whole.update(node.input)
        if to_index or node.op_type in FLOAT32_OPERATORS or not large.isdisjoint(node.input):
            exact.add(node.name)
    return exact


def _captured(node: NodeProto) -> set[str]:
    """The names in the graphs that a node holds: some are of tensors around it."""
    graphs = [attribute.g for attribute in node.attribute if attribute.HasField("g")]
    return {name for graph in graphs for inner in graph.node for name in inner.input}


def _finished(model: ModelProto, original: bytes, quantized: str) -> bytes:
    """The content of a checked file, with the metadata of the original and the quantization.

    Raises BackendError where ONNX's own check fails.
    """
    before = load_model_from_string(original)
    metadata = {entry.key: entry.value for entry in before.metadata_props}
    helper.set_model_props(model, metadata | {"netspec.quantized": quantized})
    del model.graph.value_info[:]
    model.producer_name, model.producer_version = before.producer_name, before.producer_version
    try:
        checker.check_model(model, full_check=True)  # pyright: ignore[reportUnknownMemberType] - its PathLike
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise own_bug(f"the {quantized} model", str(error)) from error
    return model.SerializeToString(deterministic=True)
