"""Recurrent layers in ONNX: ONNX's recurrent operators if these have the activations, else Scan."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from onnx import helper

from netspec.graph import Node
from netspec.language.layers.activations import LEAKY_RELU_SLOPE, ActivationName
from netspec.language.layers.recurrent import GRU, LSTM, Gated, RecurrentLayer
from netspec.numerics.weights import Array
from netspec_onnx.lower.base import Builder, lower
from netspec_onnx.lower.scan import scan

OPERATORS: dict[ActivationName, tuple[str, tuple[float, ...]]] = {
    "linear": ("Affine", (1.0, 0.0)),
    "relu": ("Relu", ()),
    "leaky_relu": ("LeakyRelu", (LEAKY_RELU_SLOPE,)),
    "elu": ("Elu", (1.0,)),
    "softplus": ("Softplus", ()),
    "softsign": ("Softsign", ()),
    "sigmoid": ("Sigmoid", ()),
    "hard_sigmoid": ("HardSigmoid", (1 / 6, 0.5)),
    "tanh": ("Tanh", ()),
}
"""The activations of ONNX's recurrent operators, each with its alpha and beta."""

ORDERS = {1: (0,), 3: (0, 1, 2), 4: (0, 3, 1, 2)}
"""ONNX's order of the gates, among Keras's: an LSTM's are i, o, f and c there."""


@lower.register
def _(layer: RecurrentLayer, node: Node, to: Builder, x: str) -> str:
    weights = {weight.name: to.weights[f"{node.name}.{weight.name}"] for weight in node.weights}
    if not activations(layer) <= OPERATORS.keys():
        return scan(layer, weights, node.name, to, x, backwards=layer.go_backwards)
    direction = "reverse" if layer.go_backwards else "forward"
    states = operator(layer, [weights], node.name, to, x, direction)
    if not layer.return_sequences:
        return to.add("Squeeze", [states, to.integers(f"{node.name}.first", [0])], node.name)
    if layer.go_backwards:  # ONNX returns the states in the order of the input
        states = _reversed(states, f"{node.name}.backwards", to)
    axis = to.integers(f"{node.name}.direction", [1])
    squeezed = to.add("Squeeze", [states, axis], f"{node.name}.squeezed")
    return to.add("Transpose", [squeezed], node.name, perm=(1, 0, 2))


def activations(layer: RecurrentLayer) -> set[ActivationName]:
    """The activations that a layer has."""
    gates = {layer.recurrent_activation} if isinstance(layer, Gated) else set[ActivationName]()
    return {layer.activation} | gates


def operator(
    layer: RecurrentLayer,
    directions: Sequence[dict[str, Array]],
    name: str,
    to: Builder,
    x: str,
    direction: str,
) -> str:
    """Append ONNX's operator for an input (batch, steps, inputs), with the weights by direction.

    Returns all states (steps, directions, batch, units), or the last (directions, batch, units).
    """
    kernels = [_gates_first(layer, weights["kernel"]) for weights in directions]
    recurrent = [_gates_first(layer, weights["recurrent_kernel"]) for weights in directions]
    steps_first = to.add("Transpose", [x], f"{name}.steps_first", perm=(1, 0, 2))
    inputs = [
        steps_first,
        to.constant(f"{name}.kernel", np.stack(kernels)),
        to.constant(f"{name}.recurrent_kernel", np.stack(recurrent)),
    ]
    if layer.use_bias:
        biases = [_both_biases(layer, weights["bias"]) for weights in directions]
        inputs.append(to.constant(f"{name}.bias", np.stack(biases)))
    after = {"linear_before_reset": int(layer.reset_after)} if isinstance(layer, GRU) else {}
    states = f"{name}.states"
    node = helper.make_node(
        "RNN" if layer.gates == 1 else layer.tag,
        inputs,
        [states] if layer.return_sequences else ["", states],
        states,
        hidden_size=layer.units,
        direction=direction,
        **_functions(layer, len(directions)),
        **after,
    )
    to.nodes.append(node)
    return states


def _gates_first(layer: RecurrentLayer, kernel: Array) -> Array:
    """A kernel with ONNX's axes, (gates units, inputs), and its order of gates."""
    gates = np.split(kernel, layer.gates, axis=-1)
    return np.concatenate([gates[gate] for gate in ORDERS[layer.gates]], -1).T


def _both_biases(layer: RecurrentLayer, bias: Array) -> Array:
    """The bias of the input, followed by the bias of the state."""
    both = bias if bias.ndim == 2 else np.stack([bias, np.zeros_like(bias)])
    return np.concatenate([_gates_first(layer, side[None])[:, 0] for side in both])


def _functions(layer: RecurrentLayer, directions: int) -> dict[str, list[str] | list[float]]:
    """The activations as attributes, the activations of the gates first."""
    names = [layer.activation] * (2 if isinstance(layer, LSTM) else 1)
    if isinstance(layer, Gated):
        names.insert(0, layer.recurrent_activation)
    functions = [OPERATORS[name] for name in names] * directions
    attributes: dict[str, list[str] | list[float]] = {
        "activations": [name for name, _ in functions]
    }
    for index, field in enumerate(("activation_alpha", "activation_beta")):
        if values := [constants[index] for _, constants in functions if len(constants) > index]:
            attributes[field] = values
    return attributes


def _reversed(states: str, name: str, to: Builder) -> str:
    """A tensor with its first axis the other way round."""
    last, beyond = to.integers(f"{name}.start", [-1]), to.integers(f"{name}.end", [-(2**31)])
    axis, step = to.integers(f"{name}.axis", [0]), to.integers(f"{name}.step", [-1])
    return to.add("Slice", [states, last, beyond, axis, step], name)
