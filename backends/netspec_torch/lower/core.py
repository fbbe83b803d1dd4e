"""Layers without an idea of space, and the activations, in PyTorch."""

from __future__ import annotations

from netspec.backend.emit.code import arguments, literal
from netspec.graph import Node
from netspec.language.layers import Activation, Dense, Flatten, Transpose
from netspec.language.layers.activations import LEAKY_RELU_SLOPE, ActivationName
from netspec.language.layers.base import axis_indices
from netspec.language.layers.core import (
    ELU,
    EinsumDense,
    Embedding,
    Identity,
    LeakyReLU,
    PReLU,
    ReLU,
    Softmax,
)
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(layer: Transpose, node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.permute({', '.join(map(str, layer.axes(node.shape)))})")


@lower_layer.register
def _(_layer: Flatten, _node: Node, x: str) -> Lowered:
    return Lowered(f"{x}.flatten(1)")


@lower_layer.register
def _(layer: Dense, node: Node, x: str) -> Lowered:
    named = {} if layer.use_bias else {"bias": False}
    return Lowered(
        f"self.{node.name}({x})",
        "nn.Linear",
        arguments([node.input_shape[-1], layer.units], named),
        parameters={"kernel": "weight"},
    )


@lower_layer.register
def _(layer: EinsumDense, node: Node, x: str) -> Lowered:
    shapes = [weight.shape for weight in node.weights]
    call_arguments = arguments([layer.equation, *shapes], {})
    return Lowered(f"self.{node.name}({x})", "EinsumDense", call_arguments, ("EinsumDense",))


@lower_layer.register
def _(layer: Embedding, node: Node, x: str) -> Lowered:
    return Lowered(
        f"self.{node.name}({x}.long())",
        "nn.Embedding",
        arguments([layer.input_dim, layer.output_dim], {}),
        parameters={"embeddings": "weight"},
    )


@lower_layer.register
def _(_layer: Identity, node: Node, x: str) -> Lowered:
    return Lowered(f"self.{node.name}({x})", "nn.Identity")


@lower_layer.register
def _(layer: ReLU, _node: Node, x: str) -> Lowered:
    slope, threshold, most = map(literal, (layer.negative_slope, layer.threshold, layer.max_value))
    if layer.negative_slope and not layer.threshold and layer.max_value is None:
        return Lowered(f"F.leaky_relu({x}, {slope})")
    if layer.threshold:
        y = f"F.threshold({x}, {threshold}, 0.0)"
    else:
        y = f"F.relu6({x})" if layer.max_value == 6 else f"F.relu({x})"
    if layer.max_value is not None and "relu6" not in y:
        y += f".clamp(max={most})"
    if layer.negative_slope:
        y += f" - {slope} * F.relu({f'{threshold} - ' if layer.threshold else '-'}{x})"
    return Lowered(y)


@lower_layer.register
def _(layer: LeakyReLU, _node: Node, x: str) -> Lowered:
    return Lowered(f"F.leaky_relu({x}, {literal(layer.negative_slope)})")


@lower_layer.register
def _(_layer: PReLU, node: Node, x: str) -> Lowered:
    (alpha,) = node.weights
    *space, channels = range(len(alpha.shape))
    axes = (channels, *space) if node.layout == "channels_first" else (*space, channels)
    call_arguments = arguments([alpha.shape[axis] for axis in axes], {})
    return Lowered(
        f"self.{node.name}({x})", "PReLU", call_arguments, ("PReLU",), axes={"alpha": axes}
    )


@lower_layer.register
def _(layer: ELU, _node: Node, x: str) -> Lowered:
    return Lowered(f"F.elu({x}, {literal(layer.alpha)})")


@lower_layer.register
def _(layer: Softmax, node: Node, x: str) -> Lowered:
    dims = [node.dimension(index) for index in axis_indices(layer.axis, node.shape)]
    if len(dims) == 1:
        return Lowered(f"torch.softmax({x}, dim={dims[0]})")
    return Lowered(f"torch.exp({x} - torch.logsumexp({x}, dim={tuple(dims)}, keepdim=True))")


@lower_layer.register
def _(layer: Activation, _node: Node, x: str) -> Lowered:
    needs = functions(layer.activation)
    return Lowered(ACTIVATIONS[layer.activation].format(x=x), needs=needs)


def functions(*activations: ActivationName) -> tuple[str, ...]:
    """The functions of the module that activations use."""
    return tuple(name for name in sorted({*activations}) if name in FUNCTIONS)


# PyTorch's defaults agree with Keras's functions where no argument is passed
# (torch/nn/functional.py, 2.13).
ACTIVATIONS: dict[ActivationName, str] = {
    "linear": "{x}",
    "relu": "F.relu({x})",
    "relu6": "F.relu6({x})",
    "leaky_relu": f"F.leaky_relu({{x}}, {LEAKY_RELU_SLOPE})",
    "elu": "F.elu({x})",
    "selu": "selu({x})",
    "gelu": "F.gelu({x})",
    "silu": "F.silu({x})",
    "softplus": "torch.logaddexp({x}, torch.zeros_like({x}))",  # F.softplus is linear from 20 on
    "softsign": "F.softsign({x})",
    "sigmoid": "torch.sigmoid({x})",
    "hard_sigmoid": "F.hardsigmoid({x})",
    "hard_silu": "F.hardswish({x})",
    "mish": "F.mish({x})",
    "tanh": "torch.tanh({x})",
    "exponential": "torch.exp({x})",
    "softmax": "torch.softmax({x}, dim=-1)",
    "log_softmax": "torch.log_softmax({x}, dim=-1)",
    "sparsemax": "sparsemax({x})",
    # F.celu has the slope 1 at 0, and Keras's has 2.
    "celu": "{x}.clamp(min=0) + torch.expm1({x}.clamp(max=0))",
    "hard_shrink": "F.hardshrink({x}, 0.5)",
    "hard_tanh": "{x}.clamp(-1, 1)",  # F.hardtanh has no slope at -1 and 1
    "log_sigmoid": "F.logsigmoid({x})",
    "soft_shrink": "F.softshrink({x}, 0.5)",
    "sparse_plus": "torch.where({x} < 1, ({x}.clamp(min=-1) + 1).square() / 4, {x})",
    "sparse_sigmoid": "(F.hardtanh({x}) + 1) / 2",
    "squareplus": "({x} + torch.sqrt({x}.square() + 4)) / 2",
    "tanh_shrink": "F.tanhshrink({x})",
}

FUNCTIONS = ("selu", "sparsemax")
"""The activations that are a function of the module."""
