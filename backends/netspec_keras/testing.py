"""The gradients of a Keras model by `tf.GradientTape`, which the conformance tests compare."""

from __future__ import annotations

from netspec.backend import Program
from netspec.backend.declaration import Gradients
from netspec.numerics.weights import Array
from netspec_keras.framework import tf
from netspec_keras.predictor import built_model


def gradients(
    program: Program,
    inputs: list[Array],
    cotangents: list[Array],
    *,
    training: bool,
    device: str = "cpu",
) -> Gradients:
    """See `netspec.backend.declaration.GradientFunction`."""
    model = built_model(program)
    variables = {
        f"{node.name}.{weight.name}": variable
        for node in program.graph.nodes
        if node.weights
        for weight, variable in zip(
            node.weights, model.get_layer(node.name.replace("/", ".")).weights, strict=True
        )
    }
    trainable = {key: variable for key, variable in variables.items() if variable.trainable}
    with tf.device("/CPU:0" if device == "cpu" else device), tf.GradientTape() as tape:
        tensors = [tf.constant(values) for values in inputs]
        tape.watch(tensors)
        outputs = model(tensors[0] if len(tensors) == 1 else tensors, training=training)
        outputs = outputs if isinstance(outputs, list | tuple) else [outputs]
        total = tf.add_n([tf.reduce_sum(y * c) for y, c in zip(outputs, cotangents, strict=True)])
    sources = [*tensors, *(variable.value for variable in trainable.values())]
    zero = tf.UnconnectedGradients.ZERO
    values = [
        tf.convert_to_tensor(gradient).numpy()
        for gradient in tape.gradient(total, sources, unconnected_gradients=zero)
    ]
    statistics = {
        key: variable.numpy() for key, variable in variables.items() if key not in trainable
    }
    by_key = dict(zip(trainable, values[len(tensors) :], strict=True))
    return Gradients(values[: len(tensors)], by_key, statistics)
