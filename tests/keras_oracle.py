"""Keras's own layers, made from netspec's: the oracle for shapes, weights and values.

The oracle is Keras on TensorFlow, on the CPU, in float32; SEMANTICS says why no other.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
if "CI" not in os.environ:  # there Keras is always installed, and its absence is a failure
    pytest.importorskip("keras")
    pytest.importorskip("tensorflow")

import keras

from netspec.layers import Layer, Shape
from netspec.layers.tagged import Tagged


def keras_layer(layer: Layer) -> Any:  # Any: Keras ships no types
    """Keras's layer of the same class with the same fields, not yet built."""
    fields = {name: getattr(layer, name) for name in type(layer).model_fields}
    if fields.get("noise_shape") is not None:
        fields["noise_shape"] = (None, *fields["noise_shape"])  # Keras's holds the batch axis
    arguments = {
        name: keras_initializer(value) if isinstance(value, Tagged) else value
        for name, value in fields.items()
    }
    return getattr(keras.layers, layer.tag)(**arguments)


def keras_initializer(initializer: Tagged) -> Any:  # Any: Keras ships no types
    """Keras's initializer of the same class with the same fields."""
    return getattr(keras.initializers, type(initializer).__name__)(**initializer.model_dump())


def keras_build(layer: Layer, shape: Shape) -> Any:  # Any: Keras ships no types
    """Keras's layer with its weights made for inputs of `shape`, which has no batch axis."""
    built = keras_layer(layer)
    built.build((None, *shape))
    return built


def keras_values(
    layer: Layer,
    weights: Mapping[str, NDArray[np.float32]],
    inputs: NDArray[np.float32],
    training: bool = False,
) -> NDArray[np.float32]:
    """What Keras's layer gives for a batch of inputs (n, …), with weights by their own names."""
    with keras.device("cpu:0"):
        built = keras_build(layer, inputs.shape[1:])
        for variable in built.weights:
            variable.assign(weights[variable.name])
        return keras.ops.convert_to_numpy(built(inputs, training=training))


def described(layer: Layer, shape: Shape) -> str:
    """A layer and its input as the name of a test case: its class, and the fields that it sets."""
    fields = (f"{name}={getattr(layer, name)}" for name in sorted(layer.model_fields_set))
    return f"{layer.tag}({', '.join(fields)}) on {'x'.join(map(str, shape))}"
