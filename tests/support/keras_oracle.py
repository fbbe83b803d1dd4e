"""Keras layers, created from netspec layers: the oracle for shapes, weights and values.

The oracle is Keras on TensorFlow, on the CPU, in float32.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import singledispatch
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

if "CI" not in os.environ:  # there Keras is always installed, and its absence is a failure
    pytest.importorskip("netspec_keras.framework")

from netspec.language.layers import Layer, Shape
from netspec.language.layers.attention import GroupedQueryAttention, Projecting
from netspec.language.layers.preprocessing import Normalization
from netspec.language.layers.regularization import Dropout, SpatialDropout
from netspec.language.layers.tagged import Tagged
from netspec.language.layers.wrapping import Bidirectional, TimeDistributed

# TensorFlow reads its environment once, when it is first imported: netspec's import sets it.
from netspec_keras.framework import keras, tf

__all__ = ["keras", "tf"]


@singledispatch
def keras_layer(layer: Layer) -> Any:  # Any: Keras ships no types
    """The Keras layer of the same class with the same fields, not yet built."""
    return getattr(keras.layers, layer.tag)(**keras_arguments(layer))


@keras_layer.register
def _(layer: GroupedQueryAttention) -> Any:  # Any: as above
    return keras.layers.GroupQueryAttention(**keras_arguments(layer))


@keras_layer.register
def _(layer: Dropout) -> Any:  # Any: as above
    noise = layer.noise_shape and (None, *layer.noise_shape)  # Keras counts the batch axis
    return keras.layers.Dropout(layer.rate, noise_shape=noise, name=layer.name)


@keras_layer.register
def _(layer: Bidirectional | TimeDistributed) -> Any:  # Any: as above
    fields = {**keras_arguments(layer, "layer"), "layer": keras_layer(layer.layer)}
    return getattr(keras.layers, layer.tag)(**fields)


@keras_layer.register
def _(layer: SpatialDropout) -> Any:  # Any: as above
    return getattr(keras.layers, layer.tag)(**keras_arguments(layer, "trainable"))


@keras_layer.register
def _(layer: Normalization) -> Any:  # Any: as above
    mean, variance = (
        numbers[0] if len(numbers) == 1 else numbers for numbers in (layer.mean, layer.variance)
    )
    return keras.layers.Normalization(layer.axis, mean, variance, layer.invert, name=layer.name)


_ELSEWHERE = ("inputs", "use_causal_mask")
"""The fields that Keras's constructors do not take."""


def keras_arguments(layer: Layer, *without: str) -> dict[str, Any]:  # Any: as above
    """The fields of a layer as arguments of Keras's constructor, except the fields `without`."""
    names = [name for name in type(layer).model_fields if name not in (*_ELSEWHERE, *without)]
    fields = {name: getattr(layer, name) for name in names}
    return {
        name: keras_tagged(value) if isinstance(value, Tagged) else value
        for name, value in fields.items()
    }


def keras_tagged(value: Tagged) -> Any:  # Any: Keras ships no types
    """Keras's initializer, regularizer or constraint of the same class with the same fields."""
    modules = keras.initializers, keras.regularizers, keras.constraints
    name = type(value).__name__
    (keras_class,) = {getattr(module, name) for module in modules if hasattr(module, name)}
    return keras_class(**value.model_dump())


def keras_build(layer: Layer, *shapes: Shape) -> Any:  # Any: Keras ships no types
    """Keras's layer with its weights made for inputs of these shapes, without the batch axis."""
    # The constructor's `trainable` does not reach inner layers.
    keras_copy = keras_layer(layer.model_copy(update={"trainable": True}))
    keras_copy.build(*keras_inputs(layer, [(None, *shape) for shape in shapes]))
    if not layer.trainable:
        keras_copy.trainable = False
    return keras_copy


@singledispatch
def keras_inputs(layer: Layer, inputs: list[Any]) -> list[Any]:  # Any: tensors or shapes
    """The arguments of a call or a build of Keras's layer, for inputs in netspec's order."""
    return inputs if len(inputs) == 1 else [inputs]


@keras_inputs.register
def _(_layer: Projecting, inputs: list[Any]) -> list[Any]:  # Any: as above
    return inputs if len(inputs) > 1 else [*inputs, *inputs]


def keras_options(layer: Layer) -> dict[str, Any]:  # Any: as above
    """The fields that Keras takes as arguments of the call."""
    return {"use_causal_mask": True} if getattr(layer, "use_causal_mask", False) else {}


def keras_values(
    layer: Layer,
    weights: Mapping[str, NDArray[np.float32]],
    *inputs: NDArray[np.float32],
    training: bool = False,
) -> NDArray[np.float32]:
    """The output of Keras's layer for a batch of each input (n, …), with weights by name."""
    with keras.device("cpu:0"):
        shapes = tuple(array.shape[1:] for array in inputs)
        keras_copy = keras_build(layer, *shapes)
        for weight, variable in zip(layer.infer_weights(shapes), keras_copy.weights, strict=True):
            variable.assign(weights[weight.name])
        tensors = keras_inputs(layer, list(inputs))
        return keras.ops.convert_to_numpy(
            keras_copy(*tensors, training=training, **keras_options(layer))
        )


def described(layer: Layer, *shapes: Shape) -> str:
    """The name of a test case: the class of its layer, and the fields that it sets."""
    fields = (f"{name}={getattr(layer, name)}" for name in sorted(layer.model_fields_set))
    on = " and ".join("x".join(map(str, shape)) for shape in shapes)
    return f"{layer.tag}({', '.join(fields)}) on {on}"
