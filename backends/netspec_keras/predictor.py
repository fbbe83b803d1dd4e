"""Runs generated Keras modules: prediction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import ModuleType
from typing import Any

from netspec.backend import (
    Device,
    Form,
    Predicting,
    Program,
    execute,
    outputs_in_batches,
)
from netspec.backend.devices import absent_gpu, parse_device, unknown_tensorrt
from netspec.numerics.weights import Array
from netspec.text.diagnostics import BackendError
from netspec_keras.framework import keras, tf
from netspec_keras.gaps import check_kernels, errors_at_layers
from netspec_keras.process import random_numbers_kept, rounding_to_tf32
from netspec_keras.source import source


def built_model(program: Program, taken_off: Sequence[str | None] = ()) -> keras.Model:
    """The program's Keras model with its weights. Its outputs are the spec's.

    With `taken_off` the outputs are before these activations.
    """
    module = module_of(program)
    model = initial_model(module, taken_off)
    module.set_weights(model, program.weights)
    return model


def initial_model(module: ModuleType, taken_off: Sequence[str | None]) -> keras.Model:
    """The model of a module, with initial values that Keras draws."""
    with random_numbers_kept():
        return module.build_model(**_logits(taken_off))


def in_float32(function: Callable[..., tuple[Array, ...]]) -> Callable[..., tuple[Array, ...]]:
    """The same function without TF32."""
    return rounding_to_tf32(allowed=False)(function)


def module_of(program: Program) -> ModuleType:
    """The program's generated module."""
    return execute(source(program), f"{program.graph.name}_keras")


def find_device(device: Device) -> tuple[str, str]:
    """TensorFlow's name of the device, and its name for the user."""
    choice = parse_device(device)
    if choice.kind == "tensorrt":
        raise unknown_tensorrt("keras")
    gpus: list[Any] = tf.config.list_physical_devices("GPU")
    if choice.kind == "cuda" and not gpus:
        help = "use --device cpu, or pip install 'netspec[keras-gpu]' into a separate environment"
        raise BackendError("TensorFlow sees no GPU", help)
    if choice.kind == "cpu" or not gpus:
        return "/CPU:0", "cpu"
    if choice.index >= len(gpus):
        raise absent_gpu("TensorFlow", choice.index, len(gpus))
    details: dict[str, str] = tf.config.experimental.get_device_details(gpus[choice.index])
    name = f"cuda:{choice.index}" if choice.index else "cuda"
    return f"/GPU:{choice.index}", f"{name} ({details.get('device_name', 'GPU')})"


class KerasPredictor(Predicting):
    """The program's Keras model on a device."""

    def __init__(self, program: Program, device: Device) -> None:
        name, self.device = find_device(device)
        check_kernels(program, name)
        with tf.device(name):
            model = built_model(program, program.taken_off)
            outputs, logits = functions_of(model, program.taken_off)
        self._outputs = in_float32(errors_at_layers(program)(outputs))
        self._logits = in_float32(errors_at_layers(program)(logits))

    def outputs(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._outputs)

    def logits(self, *inputs: Array) -> tuple[Array, ...]:
        return outputs_in_batches(inputs, self._logits)


def form(program: Program, device: Device) -> Form:
    """`predict` of the program's Keras model, with one batch in every call."""
    name, shown = find_device(device)
    check_kernels(program, name)
    with tf.device(name):
        model = built_model(program)

    def outputs(*inputs: Array) -> tuple[Array, ...]:
        x = inputs[0] if len(inputs) == 1 else list(inputs)
        with tf.device(name), rounding_to_tf32(allowed=False):
            values = model.predict(x, batch_size=len(inputs[0]), verbose=0)
        return tuple(values) if isinstance(values, list | tuple) else (values,)

    return Form(outputs, shown)


def _activated(values: Sequence[tf.Tensor], names: Sequence[str | None]) -> list[tf.Tensor]:
    """The outputs of a model of logits, after the activations that the loss does without."""
    activations = {None: tf.identity, "softmax": tf.nn.softmax, "sigmoid": tf.sigmoid}
    return [activations[name](value) for value, name in zip(values, names, strict=True)]


def all_outputs(model: keras.Model, inputs: Sequence[tf.Tensor], *, training: bool) -> list[Any]:
    """The outputs of a model, also of a model with one output."""
    values = model(inputs[0] if len(inputs) == 1 else list(inputs), training=training)
    return list(values) if isinstance(values, list | tuple) else [values]


def functions_of(
    model: keras.Model, taken_off: Sequence[str | None]
) -> tuple[Callable[..., tuple[Array, ...]], Callable[..., tuple[Array, ...]]]:
    """Functions of arrays, one for every input, that return the outputs and the logits.

    `model` returns the logits.
    """
    # The batch size is None: Keras 3.15 adds a tensor (3, 1) as a bias of 3 channels where the
    # size 3 is known.
    signature = [tf.TensorSpec((None, *tensor.shape[1:]), tf.float32) for tensor in model.inputs]

    @tf.function(input_signature=signature, autograph=False)
    def logits(*inputs: tf.Tensor) -> list[tf.Tensor]:
        return all_outputs(model, inputs, training=False)

    @tf.function(input_signature=signature, autograph=False)
    def outputs(*inputs: tf.Tensor) -> list[tf.Tensor]:
        return _activated(all_outputs(model, inputs, training=False), taken_off)

    return partial(_on_arrays, outputs), partial(_on_arrays, logits)


def _on_arrays(function: Callable[..., list[tf.Tensor]], *inputs: Array) -> tuple[Array, ...]:
    return tuple(output.numpy() for output in function(*map(tf.constant, inputs)))


def _logits(taken_off: Sequence[str | None]) -> dict[str, bool]:
    """The arguments of build_model, which has `logits` where activations can be left off."""
    return {"logits": True} if any(taken_off) else {}
