"""Layers without an idea of space, and the activations, in PyTorch."""

from __future__ import annotations

from netspec.code import arguments
from netspec.graph import Node
from netspec.layers import Activation, Dense, Flatten, Transpose
from netspec.layers.activations import LEAKY_RELU_SLOPE, ActivationName
from netspec_torch.lower.base import Lowered, Part, lower_layer


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
def _(layer: Activation, _node: Node, x: str) -> Lowered:
    part = PARTS.get(layer.activation)
    return Lowered(ACTIVATIONS[layer.activation].format(x=x), needs=(part,) if part else ())


# PyTorch's defaults agree with Keras's functions where no argument is given
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
}

PARTS: dict[ActivationName, Part] = {
    "selu": Part(
        "selu",  # F.selu has another slope at 0
        '''
def selu(x: Tensor) -> Tensor:
    """SELU, with the slope of the positive side at 0, as Keras has it."""
    negative = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x >= 0, x, negative)
''',
    ),
}
"""The activations that are a function of the module."""
