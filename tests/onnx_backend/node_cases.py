"""ONNX's own cases of single operators, written as networks of the layers that we lower to them.

The onnx package makes them (onnx/backend/test/case/node, 1.23): each is a model of one operator, its
inputs, and its expected output. A converter turns a case into a network whose ONNX file should hold
that operator, or reports why no spec can express it. ONNX has the channels first and a spec has them
last, so tensors and weights are moved on the way.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from unittest.mock import patch

import numpy as np
from numpy.typing import NDArray
from onnx import helper
from onnx.backend.test.case import node as onnx_cases
from onnx.backend.test.case.test_case import TestCase

from netspec.language.layers.window import Padding, pads

Array = NDArray[Any]


class Inexpressible(Exception):
    """Why a case is no spec."""


@dataclass
class Expressed:
    """A case as a network: layers as YAML, weights with Keras's axes, and tensors channels last."""

    layers: list[str]
    inputs: list[Array]
    output: Array
    weights: dict[str, Array] = field(default_factory=dict[str, Array])
    opset: int | None = None


@dataclass
class View:
    """A case of one operator: its attributes, its inputs (None where left out), its outputs."""

    name: str
    attributes: dict[str, Any]
    inputs: list[Array | None]
    outputs: list[Array]
    rtol: float
    atol: float

    def one_of(self, **attributes: tuple[Any, ...]) -> None:
        """Raise where an attribute has another value than these."""
        for name, allowed in attributes.items():
            if name in self.attributes and self.attributes[name] not in allowed:
                raise Inexpressible(f"{name} is {self.attributes[name]}")

    def floats(self) -> list[Array]:
        """All inputs as float32, where none is left out and all are real with a batch axis."""
        arrays = [array for array in self.inputs if array is not None]
        real = (np.float32, np.float64)
        if len(arrays) < len(self.inputs) or any(array.dtype not in real for array in arrays):
            raise Inexpressible("a type that is not real")
        if not all(array.ndim for array in arrays):
            raise Inexpressible("no batch axis")
        return [array.astype(np.float32) for array in arrays]


@cache
def _made() -> list[TestCase]:
    """The cases of the operators that are tested here; to import all of ONNX's takes long."""
    operators = {name.lower() for name in CONVERTERS if name not in REASONS}
    with warnings.catch_warnings(), patch.object(onnx_cases, "import_recursive"):
        warnings.simplefilter("ignore")  # the code that makes them warns of overflows
        for _, module, _ in iter_modules(onnx_cases.__path__):
            if module.replace("_", "") in operators:
                import_module(f"{onnx_cases.__name__}.{module}")
        return onnx_cases.collect_testcases(None)


def cases(operator: str) -> Iterator[View]:
    """Every case of an operator that is a model of only this operator."""
    for case in _made():
        if case.model is None or len(case.model.graph.node) != 1:
            continue
        (node,) = case.model.graph.node
        if node.op_type != operator or not case.data_sets:
            continue
        inputs, outputs = case.data_sets[0]
        remaining = iter(inputs)
        arrays = [np.asarray(next(remaining)) if name else None for name in node.input]
        attributes = {
            attribute.name: _decoded(helper.get_attribute_value(attribute))
            for attribute in node.attribute
        }
        yield View(
            case.name,
            attributes,
            arrays,
            [np.asarray(output) for output in outputs],
            case.rtol,
            case.atol,
        )


def _decoded(value: Any) -> Any:
    if isinstance(value, bytes):
        return value.decode()
    return (
        tuple(_decoded(element) for element in value) if isinstance(value, list | tuple) else value
    )


def _with_an_axis(x: Array) -> Array:
    """A vector as a batch of one value each."""
    return x.reshape(-1, 1) if x.ndim == 1 else x


def _last(x: Array) -> Array:
    """Channels first to channels last."""
    return np.moveaxis(x, 1, -1)


def _elementwise(layer: Callable[[View], str]) -> Callable[[View], Expressed]:
    """A converter of operators that work on each value by itself."""

    def convert(view: View) -> Expressed:
        x = view.floats()[0]
        return Expressed([layer(view)], [_with_an_axis(x)], _with_an_axis(view.outputs[0]))

    return convert


def _activation(name: str, **fixed: tuple[Any, ...]) -> Callable[[View], Expressed]:
    """A converter of an activation whose attributes have to be these, None being the default."""

    def layer(view: View) -> str:
        for attribute, allowed in fixed.items():
            if view.attributes.get(attribute) not in allowed:
                raise Inexpressible(f"{attribute} is {view.attributes.get(attribute)}")
        return f"Activation: {{activation: {name}}}"

    return _elementwise(layer)


def _clip(view: View) -> Expressed:
    bounds = [None if bound is None else float(bound) for bound in view.inputs[1:]]
    if bounds != [-1.0, 1.0]:
        raise Inexpressible(f"bounds {bounds}")
    view.inputs = view.inputs[:1]
    return _activation("hard_tanh")(view)


def _selu(view: View) -> Expressed:
    if view.attributes:
        raise Inexpressible("alpha and gamma are the values of the paper")
    return _activation("selu")(view)


def _softmax(tag: str) -> Callable[[View], Expressed]:
    def convert(view: View) -> Expressed:
        (x,) = view.floats()
        axis = view.attributes.get("axis", -1)
        behind = axis - 1 if axis > 0 else axis + x.ndim - 1
        if axis == 0 or behind < 0:
            raise Inexpressible("the axis of the batch")
        if tag == "LogSoftmax":
            if behind != x.ndim - 2:
                raise Inexpressible("log_softmax goes along the last axis")
            return Expressed(["Activation: {activation: log_softmax}"], [x], view.outputs[0])
        return Expressed([f"Softmax: {{axis: {behind + 1}}}"], [x], view.outputs[0])

    return convert


def _prelu(view: View) -> Expressed:
    x, slope = view.floats()
    if slope.ndim >= x.ndim:
        raise Inexpressible("a slope for every example")
    alpha = slope.reshape((1,) * (x.ndim - 1 - slope.ndim) + slope.shape)
    shared = [axis + 1 for axis, size in enumerate(alpha.shape) if size == 1 < x.shape[axis + 1]]
    layer = f"PReLU: {{shared_axes: {shared}, name: it}}" if shared else "PReLU: {name: it}"
    return Expressed([layer], [x], view.outputs[0], {"it.alpha": alpha})


def _merge(tag: str, fields: str = "") -> Callable[[View], Expressed]:
    def convert(view: View) -> Expressed:
        arrays = [_with_an_axis(array) for array in view.floats()]
        if len(arrays) < 2:
            raise Inexpressible("a merge of one")
        if len({array.ndim for array in arrays}) > 1 or len({len(array) for array in arrays}) > 1:
            raise Inexpressible("inputs of several ranks, or a batch that is repeated")
        return _joined(f"{tag}: {{{fields}", arrays, _with_an_axis(view.outputs[0]))

    return convert


def _joined(start: str, arrays: list[Array], output: Array) -> Expressed:
    names = ", ".join(f"in{index}" for index in range(len(arrays)))
    comma = "" if start.endswith("{") else ", "
    return Expressed([f"{start}{comma}inputs: [{names}]}}"], arrays, output)


def _sum(view: View) -> Expressed:
    if len(view.inputs) == 2:
        raise Inexpressible("a sum of two is an Add")
    return _merge("Add")(view)


def _concat(view: View) -> Expressed:
    arrays = view.floats()
    axis = view.attributes["axis"] % arrays[0].ndim
    if axis == 0 or len(arrays) < 2:
        raise Inexpressible("the axis of the batch")
    return _joined(f"Concatenate: {{axis: {axis}", arrays, view.outputs[0])


def _einsum(view: View) -> Expressed:
    if view.attributes["equation"].replace(" ", "") != "bij,bjk->bik":
        raise Inexpressible("another contraction than one matrix product per example")
    a, b = view.floats()
    return _joined("Dot: {axes: [2, 1]", [a, b], view.outputs[0])


def _matmul(view: View) -> Expressed:
    a, b = view.floats()
    if a.ndim != 2 or b.ndim != 2:
        raise Inexpressible("Dense has one kernel for all examples")
    layer = f"Dense: {{units: {b.shape[1]}, use_bias: false, name: it}}"
    # The rows are the steps of one example: a Dense of vectors is a Gemm.
    return Expressed([layer], [a[None]], view.outputs[0][None], {"it.kernel": b})


def _gemm(view: View) -> Expressed:
    view.one_of(alpha=(1.0,), beta=(1.0,), transA=(0,))
    a, b, *bias = view.floats() if len(view.inputs) < 3 or view.inputs[2].ndim else _scalar(view)
    kernel = b.T if view.attributes.get("transB") else b
    units = kernel.shape[1]
    if bias and bias[0].ndim == 2 and len(bias[0]) > 1:
        raise Inexpressible("a bias for every example")
    weights = {"it.kernel": kernel}
    if bias:
        weights["it.bias"] = np.broadcast_to(bias[0].reshape(-1), (units,))
    use = "" if bias else ", use_bias: false"
    return Expressed([f"Dense: {{units: {units}{use}, name: it}}"], [a], view.outputs[0], weights)


def _scalar(view: View) -> list[Array]:
    """The inputs with a bias of one number as a vector of it."""
    a, b, c = view.inputs
    assert a is not None
    assert b is not None
    assert c is not None
    return [a, b, c.reshape(1)]


def _padding(
    view: View, space: tuple[int, ...], kernel: tuple[int, ...], strides: tuple[int, ...]
) -> Padding:
    """Keras's name of the padding that results in the case's pads."""
    rank = len(space)
    automatic = view.attributes.get("auto_pad", "NOTSET")
    if automatic == "VALID":
        return "valid"
    if automatic == "SAME_UPPER":
        return "same"
    sides = [pads(*axis, "same") for axis in zip(space, kernel, strides, strict=True)]
    if automatic == "SAME_LOWER":
        if all(before == after for before, after in sides):
            return "same"
        raise Inexpressible("the odd padding at the start")
    declared = tuple(view.attributes.get("pads", (0,) * (2 * rank)))
    if not any(declared):
        return "valid"
    if declared == (*(before for before, _ in sides), *(after for _, after in sides)):
        return "same"
    raise Inexpressible(f"pads {declared}, which no padding of Keras produces")


def _conv(view: View) -> Expressed:
    x, kernel, *bias = view.floats()
    rank, filters = x.ndim - 2, len(kernel)
    strides = view.attributes.get("strides", (1,) * rank)
    dilation = view.attributes.get("dilations", (1,) * rank)
    size = kernel.shape[2:]
    spans = tuple((k - 1) * d + 1 for k, d in zip(size, dilation, strict=True))
    padding = _padding(view, x.shape[2:], spans, strides)
    fields = (
        f"filters: {filters}, kernel_size: {list(size)}, strides: {list(strides)}, "
        f"padding: {padding}, dilation_rate: {list(dilation)}, "
        f"groups: {view.attributes.get('group', 1)}, use_bias: {'true' if bias else 'false'}"
    )
    weights = {"it.kernel": np.moveaxis(kernel, (1, 0), (-2, -1))}
    weights |= {"it.bias": bias[0]} if bias else {}
    layer = f"Conv{rank}D: {{{fields}, name: it}}"
    return Expressed([layer], [_last(x)], _last(view.outputs[0]), weights)


def _conv_transpose(view: View) -> Expressed:
    x, kernel, *bias = view.floats()
    rank = x.ndim - 2
    view.one_of(group=(1,))
    if any(view.attributes.get(name) for name in ("output_padding", "output_shape", "auto_pad")):
        raise Inexpressible("an output of another size than Keras's")
    if any(view.attributes.get("pads", ())):
        raise Inexpressible("pads that no padding of Keras produces")
    strides = view.attributes.get("strides", (1,) * rank)
    dilation = view.attributes.get("dilations", (1,) * rank)
    fields = (
        f"filters: {kernel.shape[1]}, kernel_size: {list(kernel.shape[2:])}, "
        f"strides: {list(strides)}, dilation_rate: {list(dilation)}, "
        f"use_bias: {'true' if bias else 'false'}"
    )
    weights = {"it.kernel": np.moveaxis(kernel, (1, 0), (-2, -1))}
    weights |= {"it.bias": bias[0]} if bias else {}
    layer = f"Conv{rank}DTranspose: {{{fields}, name: it}}"
    return Expressed([layer], [_last(x)], _last(view.outputs[0]), weights)


def _pool(tag: str) -> Callable[[View], Expressed]:
    def convert(view: View) -> Expressed:
        (x,) = view.floats()
        rank = x.ndim - 2
        view.one_of(ceil_mode=(0,), count_include_pad=(0,), storage_order=(0,))
        if set(view.attributes.get("dilations", (1,))) != {1}:
            raise Inexpressible("a dilated window")
        size = view.attributes["kernel_shape"]
        strides = view.attributes.get("strides", (1,) * rank)
        padding = _padding(view, x.shape[2:], size, strides)
        fields = f"pool_size: {list(size)}, strides: {list(strides)}, padding: {padding}"
        return Expressed([f"{tag}{rank}D: {{{fields}}}"], [_last(x)], _last(view.outputs[0]))

    return convert


def _global_pool(tag: str) -> Callable[[View], Expressed]:
    def convert(view: View) -> Expressed:
        (x,) = view.floats()
        layer = f"{tag}{x.ndim - 2}D: {{keepdims: true}}"
        return Expressed([layer], [_last(x)], _last(view.outputs[0]))

    return convert


def _batch_normalization(view: View) -> Expressed:
    view.one_of(training_mode=(0,))
    x, scale, bias, mean, variance = view.floats()
    weights = {
        "it.gamma": scale,
        "it.beta": bias,
        "it.moving_mean": mean,
        "it.moving_variance": variance,
    }
    epsilon = view.attributes.get("epsilon", 1e-5)
    layer = f"BatchNormalization: {{epsilon: {epsilon}, name: it}}"
    return Expressed([layer], [_last(x)], _last(view.outputs[0]), weights)


def _instance_normalization(view: View) -> Expressed:
    x, scale, bias = view.floats()
    epsilon = view.attributes.get("epsilon", 1e-5)
    layer = f"GroupNormalization: {{groups: {x.shape[1]}, epsilon: {epsilon}, name: it}}"
    weights = {"it.gamma": scale, "it.beta": bias}
    return Expressed([layer], [_last(x)], _last(view.outputs[0]), weights)


def _layer_normalization(view: View) -> Expressed:
    x, scale, bias = view.floats()
    axis = view.attributes.get("axis", -1) % x.ndim
    if axis == 0:
        raise Inexpressible("the axis of the batch")
    axes = list(range(axis, x.ndim))
    epsilon = view.attributes.get("epsilon", 1e-5)
    layer = f"LayerNormalization: {{axis: {axes}, epsilon: {epsilon}, name: it}}"
    return Expressed([layer], [x], view.outputs[0], {"it.gamma": scale, "it.beta": bias})


def _rms_normalization(view: View) -> Expressed:
    x, scale = view.floats()
    axis = view.attributes.get("axis", -1) % x.ndim
    if axis == 0:
        raise Inexpressible("the axis of the batch")
    axes = list(range(axis, x.ndim))
    epsilon = view.attributes.get("epsilon", 1e-5)
    layer = f"RMSNormalization: {{axis: {axes}, epsilon: {epsilon}, name: it}}"
    return Expressed([layer], [x], view.outputs[0], {"it.scale": scale}, opset=23)


def _flatten(view: View) -> Expressed:
    (x,) = view.floats()
    axis = view.attributes.get("axis", 1)
    if axis not in (1, 1 - x.ndim):
        raise Inexpressible("axes of the batch in one with others")
    return Expressed(["Flatten"], [x], view.outputs[0])


def _reshape(view: View) -> Expressed:
    x, target = view.inputs
    assert x is not None
    assert target is not None
    if view.attributes.get("allowzero"):
        raise Inexpressible("axes of size 0")
    output = view.outputs[0]
    if len(output) != len(x) or output.ndim < 2:
        raise Inexpressible("the axis of the batch")
    return Expressed([f"Reshape: {{target_shape: {list(output.shape[1:])}}}"], [x], output)


def _transpose(view: View) -> Expressed:
    (x,) = view.floats()
    order = view.attributes.get("perm", tuple(reversed(range(x.ndim))))
    if order[0] != 0:
        raise Inexpressible("the axis of the batch")
    return Expressed([f"Permute: {{dims: {list(order[1:])}}}"], [x], view.outputs[0])


def _slice(view: View) -> Expressed:
    x, starts, ends, *others = (array for array in view.inputs if array is not None)
    if x.ndim != 3 or [array.tolist() for array in others] not in ([[1]], [[1], [1]]):
        raise Inexpressible("other axes than the steps, or steps of another size")
    start, end = (int(bound[0]) % x.shape[1] for bound in (starts, ends))
    cropping = [start, x.shape[1] - end]
    if start >= end:
        raise Inexpressible("nothing is left")
    return Expressed([f"Cropping1D: {{cropping: {cropping}}}"], [x], view.outputs[0])


def _gather(view: View) -> Expressed:
    table, indices = view.inputs
    assert table is not None
    assert indices is not None
    if view.attributes.get("axis", 0) != 0 or indices.min() < 0 or table.ndim < 2:
        raise Inexpressible("indices of other axes, or from the end")
    rows = table.reshape(len(table), -1).astype(np.float32)
    layer = f"Embedding: {{input_dim: {len(rows)}, output_dim: {rows.shape[1]}, name: it}}"
    read = indices.reshape(len(indices), -1).astype(np.float32)
    output = view.outputs[0].reshape(*read.shape, -1).astype(np.float32)
    return Expressed([layer], [read], output, {"it.embeddings": rows})


def _resize(view: View) -> Expressed:
    x, *_ = view.inputs
    assert x is not None
    output = view.outputs[0]
    mode = view.attributes.get("mode", "nearest")
    modes = {"nearest": "nearest", "linear": "bilinear"}
    if x.ndim != 4 or mode not in modes or x.shape[:2] != output.shape[:2]:
        raise Inexpressible(f"mode {mode}, or other axes than height and width")
    if view.attributes.get("coordinate_transformation_mode", "half_pixel") != "half_pixel":
        raise Inexpressible("coordinates that are not at half pixels")
    if view.attributes.get("antialias") or view.attributes.get("exclude_outside"):
        raise Inexpressible("antialiasing")
    sizes = [(new, old) for new, old in zip(output.shape[2:], x.shape[2:], strict=True)]
    if any(new % old for new, old in sizes):
        raise Inexpressible("a size that is no multiple")
    if view.attributes.get("nearest_mode", "round_prefer_floor") != "round_prefer_floor":
        raise Inexpressible("another rounding of the nearest")
    size = [new // old for new, old in sizes]
    layer = f"UpSampling2D: {{size: {size}, interpolation: {modes[mode]}}}"
    return Expressed([layer], [_last(x)], _last(output))


def _recurrent(tag: str, gates: str, keras: str) -> Callable[[View], Expressed]:
    """A converter of a recurrent operator; the gates are in ONNX's order, and in Keras's."""
    order = [gates.index(gate) for gate in keras]

    def gathered(weight: Array, units: int) -> Array:
        blocks = weight.reshape(len(gates), units, *weight.shape[1:])
        return np.concatenate([blocks[index] for index in order])

    def convert(view: View) -> Expressed:
        if set(view.attributes) - {"hidden_size", "layout", "linear_before_reset"}:
            raise Inexpressible(f"attributes {sorted(view.attributes)}")
        x, kernel, recurrent, *others = view.inputs
        assert x is not None
        assert kernel is not None
        assert recurrent is not None
        if any(operand is not None for operand in others[1:]):
            raise Inexpressible("lengths, first states or peepholes")
        units = view.attributes["hidden_size"]
        states = view.outputs[-1]
        if states.ndim != 3 or view.attributes.get("layout"):
            raise Inexpressible("batchwise")
        after = bool(view.attributes.get("linear_before_reset"))
        fields = f"units: {units}, name: it" + (", reset_after: false" if tag == "GRU" else "")
        if after:
            raise Inexpressible("the reset after the product, with a separate bias")
        weights = {
            "it.kernel": gathered(kernel[0], units).T,
            "it.recurrent_kernel": gathered(recurrent[0], units).T,
        }
        if others:
            front, back = np.split(others[0][0], 2)
            weights["it.bias"] = gathered(front + back, units)
        else:
            fields += ", use_bias: false"
        return Expressed([f"{tag}: {{{fields}}}"], [np.moveaxis(x, 0, 1)], states[0], weights)

    return convert


CONVERTERS: dict[str, Callable[[View], Expressed]] = {
    "Add": _merge("Add"),
    "AveragePool": _pool("AveragePooling"),
    "BatchNormalization": _batch_normalization,
    "Celu": _activation("celu", alpha=(None, 1.0)),
    "Clip": _clip,
    "Concat": _concat,
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Einsum": _einsum,
    "Elu": _elementwise(lambda view: f"ELU: {{alpha: {view.attributes.get('alpha', 1.0)}}}"),
    "Exp": _activation("exponential"),
    "Flatten": _flatten,
    "GRU": _recurrent("GRU", "zrh", "zrh"),
    "Gather": _gather,
    "Gelu": _activation("gelu", approximate=(None, "none")),
    "Gemm": _gemm,
    "GlobalAveragePool": _global_pool("GlobalAveragePooling"),
    "GlobalMaxPool": _global_pool("GlobalMaxPooling"),
    "HardSigmoid": _activation("hard_sigmoid", alpha=(1 / 6,), beta=(0.5,)),
    "HardSwish": _activation("hard_silu"),
    "InstanceNormalization": _instance_normalization,
    "LSTM": _recurrent("LSTM", "iofc", "ifco"),
    "LayerNormalization": _layer_normalization,
    "LeakyRelu": _elementwise(
        lambda view: f"LeakyReLU: {{negative_slope: {view.attributes.get('alpha', 0.01)}}}"
    ),
    "LogSoftmax": _softmax("LogSoftmax"),
    "MatMul": _matmul,
    "Max": _merge("Maximum"),
    "MaxPool": _pool("MaxPooling"),
    "Mean": _merge("Average"),
    "Min": _merge("Minimum"),
    "Mish": _activation("mish"),
    "Mul": _merge("Multiply"),
    "PRelu": _prelu,
    "RMSNormalization": _rms_normalization,
    "RNN": _recurrent("SimpleRNN", "h", "h"),
    "Relu": _activation("relu"),
    "Reshape": _reshape,
    "Resize": _resize,
    "Selu": _selu,
    "Sigmoid": _activation("sigmoid"),
    "Slice": _slice,
    "Softmax": _softmax("Softmax"),
    "Softplus": _activation("softplus"),
    "Softsign": _activation("softsign"),
    "Sub": _merge("Subtract"),
    "Sum": _sum,
    "Tanh": _activation("tanh"),
    "ThresholdedRelu": _elementwise(
        lambda view: f"ReLU: {{threshold: {view.attributes.get('alpha', 1.0)}}}"
    ),
    "Transpose": _transpose,
}
"""What turns a case of each operator into a network."""

_STEP = "a step of a composition: no layer is only this operator"

REASONS: dict[str, str] = {
    "Cast": _STEP,
    "Celu": "the case has an alpha, and Keras's celu none but 1",
    "ConstantOfShape": _STEP,
    "CumSum": _STEP,
    "Div": _STEP,
    "Equal": _STEP,
    "Erf": _STEP,
    "Expand": _STEP,
    "Greater": _STEP,
    "HardSigmoid": "the cases have other slopes than 1/6, and Keras's has no other",
    "Identity": _STEP,
    "Less": _STEP,
    "Neg": _STEP,
    "Pad": "the cases pad with other values than Keras's zeros, or along the batch",
    "ReduceL2": _STEP,
    "ReduceLogSumExp": _STEP,
    "ReduceMax": _STEP,
    "ReduceMean": _STEP,
    "ReduceProd": _STEP,
    "ReduceSum": _STEP,
    "Scan": _STEP,
    "Shape": _STEP,
    "Shrink": "the cases have other bounds than Keras's one half",
    "Split": _STEP,
    "Sqrt": _STEP,
    "Squeeze": _STEP,
    "TopK": _STEP,
    "Unsqueeze": _STEP,
    "Where": _STEP,
}
"""Why no case of an operator is a spec."""
