"""The activations, under Keras's names.

Slopes and constants come from Keras's functions (keras/src/activations/activations.py, 3.15), not
from its layers with the same names: `leaky_relu` has slope 0.2, `gelu` is the exact one.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import BeforeValidator

from netspec.language.remedies import Remedy

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
    "sparsemax",
    "celu",
    "hard_shrink",
    "hard_tanh",
    "log_sigmoid",
    "soft_shrink",
    "sparse_plus",
    "sparse_sigmoid",
    "squareplus",
    "tanh_shrink",
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
    "sparsemax": "max(x - (s - 1) / k, 0), s the sum of the first k running sums of the sorted x",
    "celu": "x where x >= 0, else exp(x) - 1",
    "hard_shrink": "x where |x| > 1/2, else 0",
    "hard_tanh": "min(max(x, -1), 1)",
    "log_sigmoid": "-log(1 + exp(-x))",
    "soft_shrink": "x - 1/2 where x > 1/2, x + 1/2 where x < -1/2, else 0",
    "sparse_plus": "x where x >= 1, (x + 1)^2 / 4 where -1 < x < 1, else 0",
    "sparse_sigmoid": "min(max((x + 1) / 2, 0), 1)",
    "squareplus": "(x + sqrt(x^2 + 4)) / 2",
    "tanh_shrink": "x - tanh(x)",
}

# The k of sparsemax is defined by Martins et al., 2016: how many of the sorted values z have
# 1 + i z_i > z_1 + … + z_i. Their threshold takes the last of these sums where Keras 3.15 adds them
# up (keras/src/backend/tensorflow/nn.py), so that Keras's values do not sum to 1.

# These look along the channels; every other activation works on each value by itself.
ALONG_CHANNELS: frozenset[ActivationName] = frozenset({"softmax", "log_softmax", "sparsemax"})

# A greater value never has a smaller function value; `linear`, which does nothing, is left out.
NEVER_FALLING: frozenset[ActivationName] = frozenset(
    {
        "relu",
        "relu6",
        "leaky_relu",
        "elu",
        "selu",
        "softplus",
        "softsign",
        "sigmoid",
        "hard_sigmoid",
        "tanh",
        "exponential",
        "celu",
        "hard_shrink",
        "hard_tanh",
        "log_sigmoid",
        "soft_shrink",
        "sparse_plus",
        "sparse_sigmoid",
        "squareplus",
        "tanh_shrink",
    }
)

LEFT_OUT = {
    "glu": "Keras's glu halves the channels, where its layers expect an activation to keep them; "
    "Multiply a layer by one with activation: sigmoid",
    "threshold": "Keras's threshold takes two numbers, which are not in its name; "
    "`ReLU: {threshold: …}` is such a layer",
}
"""The activations of Keras that are not in the vocabulary, and what to write instead."""


def _instead(value: object) -> str | None:
    """What to write in place of a value that is no name of an activation."""
    if isinstance(value, str):
        return LEFT_OUT.get(value)
    return "an activation is a name, as in `{field}: relu`"


_OTHER_NAMES = {None: "linear", "swish": "silu", "hard_swish": "hard_silu"}


def _known_name(value: object) -> object:
    """The name of the vocabulary for one that Keras takes as well."""
    return _OTHER_NAMES.get(value, value) if isinstance(value, str | None) else value


ActivationField: TypeAlias = Annotated[
    ActivationName,
    BeforeValidator(
        _known_name,
        json_schema_input_type=ActivationName | Literal["swish", "hard_swish"] | None,
    ),
    Remedy(_instead),
]
