"""The activations by their formulas."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from netspec_numpy.layers.base import Values


def _sigmoid(x: Values) -> Values:
    return (1 + np.tanh(x / 2)) / 2  # 1 / (1 + exp(-x)), which would overflow


def _hard_sigmoid(x: Values) -> Values:
    return np.clip(x / 6 + 0.5, 0, 1)


def _log_softmax(x: Values) -> Values:
    shifted = x - x.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))


def _elu(x: Values) -> Values:
    return np.where(x >= 0, x, np.expm1(np.minimum(x, 0)))


def _sparsemax(x: Values) -> Values:
    ordered = -np.sort(-x, axis=-1)
    sums = ordered.cumsum(axis=-1)
    support = 1 + np.arange(1, x.shape[-1] + 1) * ordered > sums
    # Keras 3.15 adds up the sums, and Martins et al., 2016, take the last one.
    total = np.where(support, sums, 0).sum(axis=-1, keepdims=True)
    return np.maximum(x - (total - 1) / support.sum(axis=-1, keepdims=True), 0)


_erf = np.vectorize(math.erf, otypes=[np.float64])

# Klambauer et al., 2017, to the precision of the paper's equations.
_SELU_ALPHA, _SELU_SCALE = 1.6732632423543772, 1.0507009873554805

ACTIVATIONS: dict[str, Callable[[Values], Values]] = {
    "linear": lambda x: x,
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "leaky_relu": lambda x: np.where(x >= 0, x, 0.2 * x),
    "elu": _elu,
    "selu": lambda x: _SELU_SCALE * np.where(x >= 0, x, _SELU_ALPHA * _elu(x)),
    "gelu": lambda x: x * (1 + _erf(x / math.sqrt(2))) / 2,
    "silu": lambda x: x * _sigmoid(x),
    "softplus": lambda x: np.logaddexp(0, x),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "sigmoid": _sigmoid,
    "hard_sigmoid": _hard_sigmoid,
    "hard_silu": lambda x: x * _hard_sigmoid(x),
    "mish": lambda x: x * np.tanh(np.logaddexp(0, x)),
    "tanh": np.tanh,
    "exponential": np.exp,
    "softmax": lambda x: np.exp(_log_softmax(x)),
    "log_softmax": _log_softmax,
    "sparsemax": _sparsemax,
    "celu": _elu,
    "hard_shrink": lambda x: np.where(np.abs(x) > 0.5, x, 0),
    "hard_tanh": lambda x: np.clip(x, -1, 1),
    "log_sigmoid": lambda x: -np.logaddexp(0, -x),
    "soft_shrink": lambda x: np.sign(x) * np.maximum(np.abs(x) - 0.5, 0),
    "sparse_plus": lambda x: np.where(x < 1, (np.maximum(x, -1) + 1) ** 2 / 4, x),
    "sparse_sigmoid": lambda x: np.clip((x + 1) / 2, 0, 1),
    "squareplus": lambda x: (x + np.sqrt(x**2 + 4)) / 2,
    "tanh_shrink": lambda x: x - np.tanh(x),
}
