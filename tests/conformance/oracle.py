"""The oracle network: Keras's own layers one after the other, run eagerly on the CPU.

Its gradients are TensorFlow's, and it takes the steps of Keras's optimizers itself.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import keras_oracle
from keras_oracle import keras, tf
from netspec.language.layers import Activation, Shape
from netspec.language.spec import Train
from netspec.network import Network
from netspec.numerics.weights import Array, Weights

Described: TypeAlias = tuple[str, Shape, bool]
"""What is known of a weight without its values."""


class Oracle:
    """A network in Keras's own layers, which know nothing of netspec's backends."""

    def __init__(self, network: Network, weights: Weights, *, logits: bool = False) -> None:
        """With `logits` the final softmax is left off."""
        ends_in_softmax = logits and network.ends[0].activation == "softmax"
        self.graph = network.graph
        self.layers: dict[str, Any] = {}  # Any: Keras ships no types
        for node in network.graph.nodes:
            layer = node.layer
            if ends_in_softmax and node is network.graph.output:
                bare = layer.model_copy(update={"activation": "linear"})
                layer = Activation(activation="linear") if layer.tag == "Softmax" else bare
            built = keras_oracle.keras_build(layer, *node.input_shapes)
            for weight, variable in zip(node.weights, built.weights, strict=True):
                variable.assign(weights[f"{node.name}.{weight.name}"])
            self.layers[node.name] = built

    def outputs(self, *inputs: Any, training: bool = False) -> list[Any]:  # Any: tensors
        """Every output of the network."""
        with tf.device("/CPU:0"):
            named = zip(self.graph.inputs, inputs, strict=True)
            values = {tensor.name: tf.convert_to_tensor(value) for tensor, value in named}
            for node in self.graph.nodes:
                read = [values[name] for name in node.inputs]
                tensors = keras_oracle.keras_inputs(node.layer, read)
                values[node.name] = self.layers[node.name](
                    *tensors, training=training, **keras_oracle.keras_options(node.layer)
                )
            return [values[name] for name in self.graph.outputs]

    def __call__(self, *inputs: Array, training: bool = False) -> Any:  # Any: a tensor
        return self.outputs(*inputs, training=training)[0]

    def predict(self, *inputs: Array) -> Array:
        return self(*inputs).numpy()

    def variables(self) -> dict[str, Any]:  # Any: Keras's variables
        return {
            f"{node.name}.{weight.name}": variable
            for node in self.graph.nodes
            for weight, variable in zip(node.weights, self.layers[node.name].weights, strict=True)
        }

    def described(self) -> dict[str, list[Described]]:
        """The name, the shape and the `trainable` of every weight, by layer."""
        return {
            name: [(weight.name, tuple(weight.shape), weight.trainable) for weight in layer.weights]
            for name, layer in self.layers.items()
        }

    def weights(self) -> dict[str, Array]:
        return {key: variable.numpy() for key, variable in self.variables().items()}

    def trainable(self) -> dict[str, Any]:  # Any: Keras's variables
        return {key: variable for key, variable in self.variables().items() if variable.trainable}

    def pulled_back(
        self, inputs: list[Array], cotangents: list[Array], *, training: bool
    ) -> tuple[list[Array], list[Array], dict[str, Array]]:
        """The outputs, and the gradients of the sum of outputs times cotangents.

        The gradients are by input and by weight. In training it moves the moving statistics.
        """
        variables = self.trainable()
        constants = [tf.constant(value) for value in inputs]
        with tf.GradientTape() as tape:
            tape.watch(constants)
            outputs = self.outputs(*constants, training=training)
            total = tf.add_n(
                [tf.reduce_sum(y * c) for y, c in zip(outputs, cotangents, strict=True)]
            )
        sources = [*constants, *(variable.value for variable in variables.values())]
        zero = tf.UnconnectedGradients.ZERO
        gradients = [
            tf.convert_to_tensor(gradient).numpy()
            for gradient in tape.gradient(total, sources, unconnected_gradients=zero)
        ]
        by_key = dict(zip(variables, gradients[len(constants) :], strict=True))
        return [output.numpy() for output in outputs], gradients[: len(constants)], by_key

    def gradients(self, inputs: Array, labels: NDArray[np.int32]) -> tuple[float, dict[str, Array]]:
        """The loss of logits in training, and its gradient with respect to every weight.

        It moves the moving statistics, as training does.
        """
        variables = self.trainable()
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
                labels, self(inputs, training=True)
            )
            penalties = [penalty for layer in self.layers.values() for penalty in layer.losses]
            loss = tf.add_n([tf.reduce_mean(losses), *penalties])
        gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
        return float(loss), {
            key: tf.convert_to_tensor(gradient).numpy()
            for key, gradient in zip(variables, gradients, strict=True)
        }

    def train(
        self,
        optimizer: Any,  # Any: Keras's optimizer
        batches: list[tuple[Array, NDArray[np.int32]]],
        learning_rates: Array,
    ) -> list[float]:
        """A step of Keras's optimizer for every batch. Returns the losses."""
        losses: list[float] = []
        for (inputs, labels), rate in zip(batches, learning_rates, strict=True):
            optimizer.learning_rate.assign(rate)
            loss, gradients = self.gradients(inputs, labels)
            variables = self.trainable()
            optimizer.apply([tf.constant(gradients[key]) for key in variables], variables.values())
            losses.append(loss)
        return losses


def keras_optimizer(train: Train) -> Any:  # Any: Keras ships no types
    """Keras's optimizer of the same name with the same fields."""
    optimizer = keras.optimizers.get(train.optimizer.tag)
    fields = train.optimizer.model_dump(exclude={"learning_rate"})
    accumulated = train.gradient_accumulation_steps
    return type(optimizer)(**fields, gradient_accumulation_steps=accumulated)
