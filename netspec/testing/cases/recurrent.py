"""Recurrent layers with every option that changes their values."""

from __future__ import annotations

from netspec.language.layers.activations import ActivationName
from netspec.testing.cases.base import Case, each

# What is applied to a state again and again stays small for only a few steps.
SHORT = (2, 3)

# The activations of ONNX's recurrent operators, and two that ONNX applies in a loop. PyTorch and
# Keras compute activations as in other layers.
ACTIVATIONS: tuple[ActivationName, ...] = (
    *("linear", "relu", "leaky_relu", "elu", "softplus", "softsign", "sigmoid", "hard_sigmoid"),
    *("tanh", "gelu", "softmax"),
)

# Each activation for the gates, with another one for the state.
GATED = [
    f"units: 2, activation: {ACTIVATIONS[index - 1]}, recurrent_activation: {name}"
    for index, name in enumerate(ACTIVATIONS)
]

SHARED = (
    "units: 4",
    "units: 1, return_sequences: true",
    "units: 4, use_bias: false",
    "units: 4, go_backwards: true",
    "units: 3, go_backwards: true, return_sequences: true",
    "units: 3, dropout: 0.3",
    "units: 3, recurrent_dropout: 0.3, return_sequences: true",
)

CASES: dict[str, tuple[Case, ...]] = {
    "SimpleRNN": (
        *each("SimpleRNN", (5, 3), *SHARED, "units: 4, activation: relu, return_sequences: true"),
        *each("SimpleRNN", SHORT, *(f"units: 2, activation: {name}" for name in ACTIVATIONS)),
    ),
    "LSTM": (
        *each("LSTM", (5, 3), *SHARED, "units: 4, unit_forget_bias: false, return_sequences: true"),
        *each("LSTM", (1, 1), "units: 1"),
        *each("LSTM", SHORT, *GATED),
        *each(
            "LSTM",
            (4, 3),
            "units: 2, activation: gelu, go_backwards: true, return_sequences: true",
            "units: 2, activation: relu6, use_bias: false",
        ),
    ),
    "GRU": (
        *each("GRU", (5, 3), *SHARED),
        *each(
            "GRU",
            (5, 3),
            "units: 4, reset_after: false",
            "units: 4, reset_after: false, use_bias: false, return_sequences: true",
            "units: 4, reset_after: false, activation: selu, return_sequences: true",
            "units: 4, reset_after: false, activation: silu, use_bias: false, go_backwards: true",
            "units: 4, activation: mish, use_bias: false",
        ),
        *each("GRU", SHORT, *GATED),
    ),
}
