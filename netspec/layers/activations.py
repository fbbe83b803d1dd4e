"""The activations, under Keras's names.

Slopes and constants are those of Keras's functions (keras/src/activations/activations.py, 3.15),
not those of its layers of the same names: `leaky_relu` has slope 0.2, `gelu` is the exact one.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator

ActivationName: TypeAlias = Literal[
    "linear",
    "relu",
    "relu6",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "softsign",
    "sigmoid",
    "hard_sigmoid",
    "hard_silu",
    "mish",
    "tanh",
    "exponential",
    "softmax",
    "log_softmax",
]

LEAKY_RELU_SLOPE = 0.2
SELU_ALPHA = 1.67326324  # Klambauer et al., 2017
SELU_SCALE = 1.05070098

FORMULAS: dict[ActivationName, str] = {
    "linear": "x",
    "relu": "max(x, 0)",
    "relu6": "min(max(x, 0), 6)",
    "leaky_relu": "x where x >= 0, else 0.2 x",
    "elu": "x where x >= 0, else exp(x) - 1",
    "selu": "1.0507 x where x >= 0, else 1.7581 (exp(x) - 1)",
    "gelu": "x (1 + erf(x / sqrt(2))) / 2",
    "silu": "x / (1 + exp(-x))",
    "softplus": "log(1 + exp(x))",
    "softsign": "x / (1 + |x|)",
    "sigmoid": "1 / (1 + exp(-x))",
    "hard_sigmoid": "min(max(x / 6 + 1/2, 0), 1)",
    "hard_silu": "x min(max(x / 6 + 1/2, 0), 1)",
    "mish": "x tanh(log(1 + exp(x)))",
    "tanh": "tanh(x)",
    "exponential": "exp(x)",
    "softmax": "exp(x) / sum of exp(x) over the last axis",
    "log_softmax": "x - log(sum of exp(x) over the last axis)",
}

# These look along the channels; every other activation works on each value by itself.
ALONG_CHANNELS: frozenset[ActivationName] = frozenset({"softmax", "log_softmax"})


def _keras_none(value: object) -> object:
    return "linear" if value is None else value


ActivationField: TypeAlias = Annotated[
    ActivationName,
    BeforeValidator(_keras_none, json_schema_input_type=ActivationName | None),
]
