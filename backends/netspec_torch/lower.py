"""Writes the PyTorch module of a network: a plain nn.Module, without a trace of netspec.

Images arrive channels last. The layout pass turns them where PyTorch wants channels first; in the
channels_last memory format that is a view, and Flatten keeps Keras's order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import singledispatch

from netspec.code import arguments, call, camel_case, literal, module, square, statement
from netspec.graph import Network, Node
from netspec.layers import (
    Activation,
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    Dense,
    Dropout,
    Flatten,
    GlobalAveragePooling2D,
    MaxPooling2D,
    Pooling2D,
    Transpose,
    written,
)
from netspec.layers.activations import LEAKY_RELU_SLOPE, ActivationName
from netspec.layers.window import pads
from netspec.passes import channels_first, split_activations, without_final_softmax
from netspec.weights import permutation
from netspec_torch import initial, optimizers, prelude, training

# Where PyTorch has each axis of Keras's weights.
AXES = {
    ("height", "width", "in", "out"): ("out", "in", "height", "width"),
    ("in", "out"): ("out", "in"),
    ("out",): ("out",),
}

PARAMETERS = {
    "kernel": "weight",
    "bias": "bias",
    "gamma": "gamma",
    "beta": "beta",
    "moving_mean": "moving_mean",
    "moving_variance": "moving_variance",
}
"""PyTorch's name of each weight inside its module."""


_RESERVED = re.compile(f"({'|'.join(sorted(prelude.RESERVED))})_*")


@dataclass
class Lowered:
    """A layer in PyTorch: the module it keeps, where it keeps one, and its line in `forward`.

    `expression` is a function of `x`. `needs` names the parts of the prelude that it uses.
    """

    expression: str
    constructor: str = ""
    arguments: list[str] = field(default_factory=list[str])
    needs: tuple[str, ...] = ()


def attribute(name: str) -> str:
    """The attribute for a layer's name; a name that PyTorch or Python needs gets an underscore.

    So does a name that differs from such a one in underscores alone, to stay apart from it.
    """
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def source(network: Network) -> str:
    """The module: the class, build_model, build_optimizer where there is training, set_weights."""
    split = split_activations(network.graph)
    logits = without_final_softmax(split)
    nodes = channels_first(logits).nodes
    lowered = {node.name: lower(node) for node in nodes}
    softmax = len(logits.nodes) < len(split.nodes)
    train = network.spec.train
    needs = {name for each in lowered.values() for name in each.needs}
    if train:
        needs.add(optimizers.class_name(train.optimizer))
    name = _class_name(network.graph.name)
    doc = f"The network {network.graph.name} in PyTorch.\n\nWritten by netspec; runs without it."
    head = f'"""{doc}\n"""'
    return module(
        f"{head}\n\n{prelude.IMPORTS}",
        *(text for name, text in prelude.PARTS.items() if name in needs),
        _class(network, name, nodes, lowered, softmax=softmax),
        f"def build_model() -> {name}:\n    return {name}()",
        *(training.parts(train) if train else ()),
        _weights_table(network),
        prelude.SET_WEIGHTS,
        prelude.main(name),
    )


def _class_name(name: str) -> str:
    """The name of the module's class; one that the module uses otherwise gets `Net` behind it."""
    wanted = camel_case(name)
    return f"{wanted}Net" if wanted in prelude.USED else wanted


def _class(
    network: Network,
    name: str,
    nodes: tuple[Node, ...],
    lowered: dict[str, Lowered],
    *,
    softmax: bool,
) -> str:
    graph, data = network.graph, network.spec.data
    divided = f", divided by {data.scale:g}," if data and data.scale != 1 else ""
    gives = f"{'probabilities' if softmax else 'outputs'} {written(graph.output.shape)}"
    lines = [
        f"class {name}(nn.Module):",
        f'    """Inputs {written(graph.input_shape)}, channels last{divided} to {gives}."""',
        "",
        "    def __init__(self) -> None:",
        "        super().__init__()",
    ]
    for node in nodes:
        made = lowered[node.name]
        if made.constructor:
            head = f"        self.{attribute(node.name)} = {made.constructor}"
            lines.append(call(head, made.arguments))
    initial = _initial_values(network)
    if initial:
        lines.append("        self.reset_parameters()")
    if any(node.layer.tag == "Conv2D" for node in nodes):
        lines.append("        self.to(memory_format=torch.channels_last)")
    if initial:
        lines += ["", "    def reset_parameters(self) -> None:", *initial]
    lines += ["", f"    def {'logits' if softmax else 'forward'}(self, x: Tensor) -> Tensor:"]
    for node in nodes:
        shape = (
            node.shape if node.layout != "channels_first" else (node.shape[-1], *node.shape[:-1])
        )
        result = "return" if node is nodes[-1] else "x ="
        lines.append(statement(f"        {result} ", lowered[node.name].expression, written(shape)))
    if softmax:
        lines += ["", "    def forward(self, x: Tensor) -> Tensor:"]
        lines.append("        return torch.softmax(self.logits(x), dim=-1)")
    return "\n".join(lines)


@singledispatch
def _lower(layer: object, node: Node) -> Lowered:
    """A layer in PyTorch. Its input is `x`, laid out as the layout pass says."""
    raise NotImplementedError(layer)


def lower(node: Node) -> Lowered:
    """A node in PyTorch."""
    return _lower(node.layer, node)


@_lower.register
def _(layer: Transpose, _node: Node) -> Lowered:
    return Lowered(f"x.permute({', '.join(map(str, layer.axes))})")


@_lower.register
def _(layer: Conv2D, node: Node) -> Lowered:
    before, symmetric = _padding(node, layer.extents, layer.strides)
    named: dict[str, object] = {}
    if layer.strides != (1, 1):
        named["stride"] = square(layer.strides)
    if symmetric != (0, 0):
        named["padding"] = square(symmetric)
    if layer.dilation_rate != (1, 1):
        named["dilation"] = square(layer.dilation_rate)
    if layer.groups != 1:
        named["groups"] = layer.groups
    if not layer.use_bias:
        named["bias"] = False
    sizes = [node.input_shape[-1], layer.filters, square(layer.kernel_size)]
    x = f"F.pad(x, {literal(before)})" if before else "x"
    expression = f"self.{attribute(node.name)}({x})"
    return Lowered(expression, "nn.Conv2d", arguments(sizes, named))


def _padding(
    node: Node, kernel: tuple[int, int], strides: tuple[int, int]
) -> tuple[tuple[int, int, int, int] | None, tuple[int, int]]:
    """Cells to pad by F.pad (left, right, top, bottom), or by the layer itself (rows, columns).

    PyTorch's layers pad both sides alike; TensorFlow's odd cell at the end needs F.pad.
    """
    height, width, _ = node.input_shape
    layer = node.layer
    assert isinstance(layer, Conv2D | Pooling2D)
    top, bottom = pads(height, kernel[0], strides[0], layer.padding)
    left, right = pads(width, kernel[1], strides[1], layer.padding)
    if top == bottom and left == right:
        return None, (top, left)
    return (left, right, top, bottom), (0, 0)


@_lower.register
def _(layer: MaxPooling2D, node: Node) -> Lowered:
    before, symmetric = _padding(node, layer.pool_size, layer.steps)
    named = _pool_steps(layer)
    x = "x"
    if before:
        x = f'F.pad(x, {literal(before)}, value=float("-inf"))'
    elif symmetric != (0, 0):
        named["padding"] = square(symmetric)
    return Lowered(f"F.max_pool2d({', '.join([x, *arguments([square(layer.pool_size)], named)])})")


@_lower.register
def _(layer: AveragePooling2D, node: Node) -> Lowered:
    before, symmetric = _padding(node, layer.pool_size, layer.steps)
    named = _pool_steps(layer)
    if before:
        window = [square(layer.pool_size), square(layer.steps), before]
        expression = f"average_pool2d_padded({', '.join(['x', *arguments(window, {})])})"
        return Lowered(expression, needs=("average_pool2d_padded",))
    if symmetric != (0, 0):
        named |= {"padding": square(symmetric), "count_include_pad": False}
    return Lowered(
        f"F.avg_pool2d({', '.join(['x', *arguments([square(layer.pool_size)], named)])})"
    )


def _pool_steps(layer: Pooling2D) -> dict[str, object]:
    return {} if layer.steps == layer.pool_size else {"stride": square(layer.steps)}


@_lower.register
def _(layer: GlobalAveragePooling2D, node: Node) -> Lowered:
    assert len(node.input_shape) == 3
    return Lowered(f"x.mean((2, 3){', keepdim=True' if layer.keepdims else ''})")


@_lower.register
def _(_layer: Flatten, _node: Node) -> Lowered:
    return Lowered("x.flatten(1)")


@_lower.register
def _(layer: Dense, node: Node) -> Lowered:
    named = {} if layer.use_bias else {"bias": False}
    sizes = [node.input_shape[-1], layer.units]
    return Lowered(f"self.{attribute(node.name)}(x)", "nn.Linear", arguments(sizes, named))


@_lower.register
def _(layer: Dropout, node: Node) -> Lowered:
    if layer.noise_shape is None:
        return Lowered(f"F.dropout(x, {literal(layer.rate)}, self.training)")
    shape = ", ".join(map(str, layer.mask_shape(node.input_shape)))
    mask = f"x.new_ones(len(x), {shape})"
    return Lowered(f"x * F.dropout({mask}, {literal(layer.rate)}, self.training)")


@_lower.register
def _(layer: BatchNormalization, node: Node) -> Lowered:
    axis = layer.channel_axis(node.input_shape)
    named = {
        "momentum": layer.momentum,
        "epsilon": layer.epsilon,
        **({} if layer.scale else {"scale": False}),
        **({} if layer.center else {"center": False}),
    }
    made = arguments([node.input_shape[axis]], named)
    this = f"self.{attribute(node.name)}"
    if node.layout == "channels_first" or len(node.shape) == 1:
        expression = f"{this}(x)"
    else:
        expression = f"{this}.along(x, {axis + 1})"
    return Lowered(expression, "BatchNormalization", made, ("BatchNormalization",))


@_lower.register
def _(layer: Activation, _node: Node) -> Lowered:
    needs = ("selu",) if layer.activation == "selu" else ()
    return Lowered(ACTIVATIONS[layer.activation], needs=needs)


# PyTorch's defaults agree with Keras's functions where no argument is given
# (torch/nn/functional.py, 2.13).
ACTIVATIONS: dict[ActivationName, str] = {
    "linear": "x",
    "relu": "F.relu(x)",
    "relu6": "F.relu6(x)",
    "leaky_relu": f"F.leaky_relu(x, {LEAKY_RELU_SLOPE})",
    "elu": "F.elu(x)",
    "selu": "selu(x)",  # F.selu has another slope at 0
    "gelu": "F.gelu(x)",
    "silu": "F.silu(x)",
    "softplus": "torch.logaddexp(x, torch.zeros_like(x))",  # F.softplus is linear from 20 on
    "softsign": "F.softsign(x)",
    "sigmoid": "torch.sigmoid(x)",
    "hard_sigmoid": "F.hardsigmoid(x)",
    "hard_silu": "F.hardswish(x)",
    "mish": "F.mish(x)",
    "tanh": "torch.tanh(x)",
    "exponential": "torch.exp(x)",
    "softmax": "torch.softmax(x, dim=-1)",
    "log_softmax": "torch.log_softmax(x, dim=-1)",
}


def _initial_values(network: Network) -> list[str]:
    """Lines that draw every weight from the distribution that the spec names."""
    return [
        line
        for node in network.graph.nodes
        for weight in node.weights
        for line in initial.lines(f"self.{attribute(node.name)}.{PARAMETERS[weight.name]}", weight)
    ]


def _weights_table(network: Network) -> str:
    lines = [
        "# Where each weight of a weights file is in the model, and the permutation of its axes.",
        "WEIGHTS = {",
    ]
    for node in network.graph.nodes:
        for weight in node.weights:
            axes = permutation(weight.axes, AXES[weight.axes])
            place = f"{attribute(node.name)}.{PARAMETERS[weight.name]}"
            head = f'    "{node.name}.{weight.name}": '
            lines.append(call(head, arguments([place, axes], {}), ","))
    return "\n".join([*lines, "}"])
