"""Lowers a network and its weights to an ONNX model, each layer to one operator or a few."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from math import sqrt
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    checker,
    defs,
    helper,
    numpy_helper,
    shape_inference,
)

from netspec.diagnostics import BackendError
from netspec.graph import INPUT, Graph, Network, Node
from netspec.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    Layer,
    MaxPooling2D,
    Pooling2D,
    Shape,
    Transpose,
)
from netspec.layers.activations import (
    LEAKY_RELU_SLOPE,
    SELU_ALPHA,
    SELU_SCALE,
    ActivationName,
)
from netspec.layers.window import Padding, pads
from netspec.passes import channels_first, split_activations
from netspec.spec import DataBase, class_names, resolved
from netspec.weights import Weights, check, permutation

OUTPUT = "output"
BATCH = "batch"

OLDEST_OPSET = 18
DEFAULT_OPSET = 20
GELU_OPSET = 20  # the first that has Gelu

MAX_WEIGHT_BYTES = checker.MAXIMUM_PROTOBUF - 2**26  # leaves room for the nodes and the metadata

AXES: dict[tuple[str, ...], tuple[str, ...]] = {
    ("height", "width", "in", "out"): ("out", "in", "height", "width"),
}
"""ONNX's order of a weight's axes, where it is not Keras's."""


def export(
    network: Network, weights: Weights, *, opset: int | None = None, raw_input: bool = False
) -> bytes:
    """The content of an ONNX file that gives the network's outputs.

    Its input is called `input`, (batch, height, width, channels) float32, and its output `output`,
    (batch, classes) float32. With `raw_input` the input is pixels as uint8, and the file itself
    divides them by the spec's scale. Metadata under `netspec.…` holds the spec, the class names and
    the preprocessing. The same arguments give the same bytes.

    Raises BackendError where `opset` is not from 18 to ONNX's newest, or where the weights exceed
    the 2 GiB of an ONNX file, and WeightsError where they are not those of the network.
    """
    opset = _checked_opset(opset)
    check(network.graph, weights, "the model")
    _check_size(network.graph)
    data = network.spec.data or DataBase()
    builder = Builder(opset, weights)
    start = _scaled_pixels(data.scale, builder) if raw_input else INPUT
    _lower_graph(channels_first(split_activations(network.graph)), start, builder)
    model = _model(network, builder, TensorProto.UINT8 if raw_input else TensorProto.FLOAT)
    helper.set_model_props(model, _metadata(network, data, raw_input=raw_input))
    _declare_output(model, network.graph)
    return model.SerializeToString(deterministic=True)


def _checked_opset(opset: int | None) -> int:
    newest = defs.onnx_opset_version()
    if opset is None:
        return DEFAULT_OPSET
    if not OLDEST_OPSET <= opset <= newest:
        help = f"give one from {OLDEST_OPSET} to {newest}, or none for {DEFAULT_OPSET}"
        raise BackendError(f"netspec cannot write ONNX's opset {opset}", help)
    return opset


def _check_size(graph: Graph) -> None:
    size = 4 * sum(node.parameters for node in graph.nodes)
    if size > MAX_WEIGHT_BYTES:
        message = f"the weights take {size / 2**30:.1f} GiB, and an ONNX file holds at most 2 GiB"
        raise BackendError(message, "make the network smaller, or keep it in safetensors")


def _model(network: Network, builder: Builder, element: int) -> ModelProto:
    graph = helper.make_graph(
        builder.nodes,
        network.graph.name,
        [helper.make_tensor_value_info(INPUT, element, [BATCH, *network.graph.input_shape])],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, None)],
        builder.constants,
        network.spec.description,
    )
    opsets = [helper.make_opsetid("", builder.opset)]
    # The oldest file format that can hold this opset is the one that most runtimes open.
    ir_version = helper.find_min_ir_version_for(opsets)
    return helper.make_model(
        graph, producer_name="netspec", opset_imports=opsets, ir_version=ir_version
    )


def _metadata(network: Network, data: DataBase, *, raw_input: bool) -> dict[str, str]:
    graph, spec = network.graph, network.spec
    return {
        "netspec.spec": resolved(spec),
        "netspec.class_names": json.dumps(class_names(spec.data, graph.output.shape[-1])),
        "netspec.scale": str(data.scale),
        "netspec.largest_pixel": str(data.largest_pixel),
        "netspec.raw_input": json.dumps(raw_input),
        "netspec.graph": graph.hash,
    }


def _declare_output(model: ModelProto, graph: Graph) -> None:
    """Write the output's shape into the model, once ONNX has inferred the same; then check all."""
    expected = [BATCH, *graph.output.shape]
    try:
        inferred = _inferred_output(model)
        if inferred != expected:
            raise _own_fault(graph, f"its output is {inferred}, not {expected}")
        declared = helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, expected)
        model.graph.output[0].CopyFrom(declared)
        checker.check_model(model, full_check=True)  # pyright: ignore[reportUnknownMemberType] - its PathLike
    except (checker.ValidationError, shape_inference.InferenceError) as error:
        raise _own_fault(graph, str(error)) from error


def _inferred_output(model: ModelProto) -> list[str | int]:
    inferred = shape_inference.infer_shapes(
        model, check_type=True, strict_mode=True, data_prop=True
    )
    axes = inferred.graph.output[0].type.tensor_type.shape.dim
    return [axis.dim_param or axis.dim_value for axis in axes]


def _own_fault(graph: Graph, reason: str) -> BackendError:
    message = f"the ONNX model of {graph.name} fails ONNX's own check: {reason}"
    return BackendError(message, "this is a fault of netspec; please report it with the spec")


@dataclass
class Builder:
    """The nodes and the constants of an ONNX graph while it grows."""

    opset: int
    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list[NodeProto])
    constants: list[TensorProto] = field(default_factory=list[TensorProto])

    def add(
        self,
        operator: str,
        inputs: Sequence[str],
        name: str,
        **attributes: Any,  # Any: as in make_node, which finds ONNX's type for a value
    ) -> str:
        """Append a node. Gives the name of its output, which is the node's own."""
        self.nodes.append(helper.make_node(operator, inputs, [name], name, **attributes))
        return name

    def constant(self, name: str, value: ArrayLike) -> str:
        """Keep a value as float32. Gives its name."""
        array = np.asarray(value, np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def weights_of(self, node: Node) -> dict[str, str]:
        """Keep the weights of a node with ONNX's axes. Gives their keys by their names."""
        keys = {weight.name: f"{node.name}.{weight.name}" for weight in node.weights}
        for weight in node.weights:
            axes = permutation(weight.axes, AXES.get(weight.axes, weight.axes))
            key = keys[weight.name]
            self.constant(key, np.transpose(self.weights[key], axes))
        return keys


def _scaled_pixels(scale: float, to: Builder) -> str:
    pixels = to.add("Cast", [INPUT], f"{INPUT}.float32", to=TensorProto.FLOAT)
    return to.add("Div", [pixels, to.constant(f"{INPUT}.scale", scale)], f"{INPUT}.scaled")


def _lower_graph(graph: Graph, start: str, to: Builder) -> None:
    tensors = {INPUT: start}
    for node in graph.nodes:
        tensors[node.name] = lower(node.layer, node, tensors[node.inputs[0]], to)
    last = tensors[graph.output.name]
    _name_output(to.nodes, last if to.nodes else to.add("Identity", [last], graph.output.name))


def _name_output(nodes: Sequence[NodeProto], last: str) -> None:
    """Call the tensor `last` by the output's name, and by another what a layer calls so."""
    names = {OUTPUT: f"{OUTPUT}.inner", last: OUTPUT}
    for node in nodes:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


@singledispatch
def lower(layer: Layer | Transpose, node: Node, x: str, to: Builder) -> str:
    """Append what computes a node from the tensor `x`. Gives the name of the node's tensor."""
    raise NotImplementedError(layer.tag)


@lower.register
def _(layer: Conv2D, node: Node, x: str, to: Builder) -> str:
    return to.add(
        "Conv",
        [x, *to.weights_of(node).values()],
        node.name,
        kernel_shape=layer.kernel_size,
        strides=layer.strides,
        pads=_pads(node.input_shape, layer.extents, layer.strides, layer.padding),
        dilations=layer.dilation_rate,
        group=layer.groups,
    )


@lower.register
def _(layer: MaxPooling2D, node: Node, x: str, to: Builder) -> str:
    return to.add("MaxPool", [x], node.name, **_window(layer, node))


@lower.register
def _(layer: AveragePooling2D, node: Node, x: str, to: Builder) -> str:
    return to.add("AveragePool", [x], node.name, count_include_pad=0, **_window(layer, node))


def _window(layer: Pooling2D, node: Node) -> dict[str, Sequence[int]]:
    cells = _pads(node.input_shape, layer.pool_size, layer.steps, layer.padding)
    return {"kernel_shape": layer.pool_size, "strides": layer.steps, "pads": cells}


def _pads(
    shape: Shape, kernel: tuple[int, int], strides: tuple[int, int], padding: Padding
) -> list[int]:
    """The cells added at the top, the left, the bottom and the right, which is ONNX's order."""
    top, bottom = pads(shape[0], kernel[0], strides[0], padding)
    left, right = pads(shape[1], kernel[1], strides[1], padding)
    return [top, left, bottom, right]


@lower.register
def _(layer: GlobalAveragePooling2D, node: Node, x: str, to: Builder) -> str:
    if layer.keepdims:
        return to.add("GlobalAveragePool", [x], node.name)
    means = to.add("GlobalAveragePool", [x], f"{node.name}.means")
    return to.add("Flatten", [means], node.name, axis=1)


@lower.register
def _(_layer: Flatten, node: Node, x: str, to: Builder) -> str:
    return to.add("Flatten", [x], node.name, axis=1)


@lower.register
def _(_layer: Dense, node: Node, x: str, to: Builder) -> str:
    kernel, *bias = to.weights_of(node).values()
    if len(node.input_shape) == 1:
        return to.add("Gemm", [x, kernel, *bias], node.name)
    if not bias:
        return to.add("MatMul", [x, kernel], node.name)
    product = to.add("MatMul", [x, kernel], f"{node.name}.product")
    return to.add("Add", [product, *bias], node.name)


@lower.register
def _(_layer: Dropout, _node: Node, x: str, _to: Builder) -> str:
    return x


@lower.register
def _(layer: Transpose, node: Node, x: str, to: Builder) -> str:
    return to.add("Transpose", [x], node.name, perm=layer.axes)


@lower.register
def _(layer: BatchNormalization, node: Node, x: str, to: Builder) -> str:
    axis = 1 if node.layout == "channels_first" else 1 + layer.channel_axis(node.input_shape)
    if axis == 1:
        return _batch_normalization(layer, node, x, to, node.name)
    # ONNX normalizes axis 1 alone, so the axes change places for that long.
    swap = list(range(1 + len(node.shape)))
    swap[1], swap[axis] = axis, 1
    swapped = to.add("Transpose", [x], f"{node.name}.swapped", perm=swap)
    normalized = _batch_normalization(layer, node, swapped, to, f"{node.name}.normalized")
    return to.add("Transpose", [normalized], node.name, perm=swap)


def _batch_normalization(
    layer: BatchNormalization, node: Node, x: str, to: Builder, name: str
) -> str:
    held = to.weights_of(node)
    size = to.weights[held["moving_mean"]].shape
    gamma = held.get("gamma") or to.constant(f"{node.name}.gamma", np.ones(size))
    beta = held.get("beta") or to.constant(f"{node.name}.beta", np.zeros(size))
    inputs = [x, gamma, beta, held["moving_mean"], held["moving_variance"]]
    return to.add("BatchNormalization", inputs, name, epsilon=layer.epsilon)


OPERATORS: dict[ActivationName, tuple[str, dict[str, float]]] = {
    "relu": ("Relu", {}),
    "leaky_relu": ("LeakyRelu", {"alpha": LEAKY_RELU_SLOPE}),
    "elu": ("Elu", {"alpha": 1.0}),
    "selu": ("Selu", {"alpha": SELU_ALPHA, "gamma": SELU_SCALE}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "sigmoid": ("Sigmoid", {}),
    "hard_sigmoid": ("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    "hard_silu": ("HardSwish", {}),
    "mish": ("Mish", {}),
    "tanh": ("Tanh", {}),
    "exponential": ("Exp", {}),
    "softmax": ("Softmax", {"axis": -1}),
    "log_softmax": ("LogSoftmax", {"axis": -1}),
}
"""The activations that are one operator, with its attributes."""


@lower.register
def _(layer: Activation, node: Node, x: str, to: Builder) -> str:
    if layer.activation == "linear":
        return x
    if compose := COMPOSED.get(layer.activation):
        return compose(x, node.name, to)
    operator, attributes = OPERATORS[layer.activation]
    return to.add(operator, [x], node.name, **attributes)


def _relu6(x: str, name: str, to: Builder) -> str:
    bounds = [to.constant(f"{name}.min", 0), to.constant(f"{name}.max", 6)]
    return to.add("Clip", [x, *bounds], name)


def _silu(x: str, name: str, to: Builder) -> str:
    return to.add("Mul", [x, to.add("Sigmoid", [x], f"{name}.sigmoid")], name)


def _gelu(x: str, name: str, to: Builder) -> str:
    if to.opset >= GELU_OPSET:
        return to.add("Gelu", [x], name, approximate="none")
    scaled = to.add("Div", [x, to.constant(f"{name}.root", sqrt(2))], f"{name}.scaled")
    erf = to.add("Erf", [scaled], f"{name}.erf")
    above = to.add("Add", [erf, to.constant(f"{name}.one", 1)], f"{name}.above")
    twice = to.add("Mul", [x, above], f"{name}.twice")
    return to.add("Mul", [twice, to.constant(f"{name}.half", 0.5)], name)


COMPOSED: dict[ActivationName, Callable[[str, str, Builder], str]] = {
    "relu6": _relu6,
    "silu": _silu,
    "gelu": _gelu,
}
"""The activations that take more than an operator and its attributes."""
