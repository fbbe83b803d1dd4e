"""Seeded initial values of weights, the same for every backend."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from netspec.graph import Graph
from netspec.language.layers import Shape
from netspec.language.layers.initializers import (
    Constant,
    Identity,
    Ones,
    Orthogonal,
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
    UnitForgetBias,
    Zeros,
    resolve,
)
from netspec.numerics.memory import free_memory
from netspec.numerics.seeds import generator
from netspec.numerics.weights import Array
from netspec.text.diagnostics import WeightsError


def initial(graph: Graph, seed: int) -> dict[str, Array]:
    """The initial value of every weight, float32, by key. The same for every backend.

    Raises WeightsError where they do not fit into the memory.
    """
    check_memory(graph)
    return {
        key: draw(resolve(weight.initializer, weight.fans), weight.shape, generator(seed, key))
        for key, weight in graph.weights()
    }


def check_memory(graph: Graph, copies: int = 1) -> None:
    """Raise WeightsError where the copies of the weights do not fit into memory."""
    size, free = 4 * sum(weight.size for _, weight in graph.weights()), free_memory()
    if copies * size <= free:
        return
    times = f"{copies} times " if copies > 1 else ""
    message = f"{graph.name} needs {times}{_gibibytes(size)} for its weights, and the memory has "
    help = "make the network smaller; `netspec summary` shows the parameters of every layer"
    raise WeightsError(f"{message}{_gibibytes(free)} free", help)


def _gibibytes(size: int) -> str:
    return f"{size / 2**30:.1f} GiB"


@singledispatch
def draw(initializer: object, shape: Shape, random: np.random.Generator) -> Array:
    """A value of `shape`, float32, from an initializer."""
    raise NotImplementedError(initializer)


@draw.register
def _(_initializer: Zeros, shape: Shape, _random: np.random.Generator) -> Array:
    return np.zeros(shape, np.float32)


@draw.register
def _(_initializer: Ones, shape: Shape, _random: np.random.Generator) -> Array:
    return np.ones(shape, np.float32)


@draw.register
def _(initializer: Constant, shape: Shape, _random: np.random.Generator) -> Array:
    return np.full(shape, initializer.value, np.float32)


@draw.register
def _(initializer: RandomNormal, shape: Shape, random: np.random.Generator) -> Array:
    return random.normal(initializer.mean, initializer.stddev, shape).astype(np.float32)


@draw.register
def _(initializer: RandomUniform, shape: Shape, random: np.random.Generator) -> Array:
    low, high = initializer.minval, initializer.maxval
    return (low + (high - low) * random.random(shape)).astype(np.float32)


@draw.register
def _(initializer: TruncatedNormal, shape: Shape, random: np.random.Generator) -> Array:
    values = random.standard_normal(shape)
    while (far := np.abs(values) > 2).any():
        values[far] = random.standard_normal(np.count_nonzero(far))
    return (initializer.mean + initializer.stddev * values).astype(np.float32)


@draw.register
def _(initializer: Orthogonal, shape: Shape, random: np.random.Generator) -> Array:
    columns = shape[-1]
    rows = int(np.prod(shape[:-1]))
    normal = random.standard_normal((max(rows, columns), min(rows, columns)))
    basis, triangle = np.linalg.qr(normal)
    basis *= np.sign(np.diag(triangle))  # makes the distribution uniform (Mezzadri, 2007)
    matrix = basis if rows >= columns else basis.T
    return (initializer.gain * matrix).reshape(shape).astype(np.float32)


@draw.register
def _(initializer: Identity, shape: Shape, _random: np.random.Generator) -> Array:
    return (initializer.gain * np.eye(shape[0], shape[1])).astype(np.float32)


@draw.register
def _(initializer: UnitForgetBias, shape: Shape, random: np.random.Generator) -> Array:
    bias = np.ones(shape, np.float32)
    before, _, after = initializer.parts(*shape)
    for part in (before, after):
        size = len(bias[part])
        bias[part] = draw(resolve(initializer.others, (size, size)), (size,), random)
    return bias
