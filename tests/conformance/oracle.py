"""The oracle network: Keras's own layers one after the other, run eagerly on the CPU.

Its gradients are TensorFlow's, and it steps with Keras's own optimizers, by hand.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

import keras_oracle
from keras_oracle import keras
from netspec.graph import Network, final_activation
from netspec.spec import Adam, Optimizer
from netspec.weights import Array, Weights


class Oracle:
    """A network in Keras's own layers, which know nothing of netspec's backends."""

    def __init__(self, network: Network, weights: Weights, *, logits: bool = False) -> None:
        """With `logits` the final softmax is left off."""
        ends_in_softmax = final_activation(network.graph) == "softmax"
        self.layers: dict[str, Any] = {}  # Any: Keras ships no types
        for node in network.graph.nodes:
            layer = node.layer
            if logits and node is network.graph.output and ends_in_softmax:
                layer = layer.model_copy(update={"activation": "linear"})
            built = keras_oracle.keras_build(layer, node.input_shape)
            for variable in built.weights:
                variable.assign(weights[f"{node.name}.{variable.name}"])
            self.layers[node.name] = built

    def __call__(self, inputs: Array, training: bool = False) -> Any:  # Any: a TensorFlow tensor
        with tf.device("/CPU:0"):
            values = tf.constant(inputs)
            for layer in self.layers.values():
                values = layer(values, training=training)
            return values

    def predict(self, inputs: Array) -> Array:
        return self(inputs).numpy()

    def weights(self) -> dict[str, Array]:
        return {
            f"{name}.{variable.name}": variable.numpy()
            for name, layer in self.layers.items()
            for variable in layer.weights
        }

    def trainable(self) -> dict[str, Any]:  # Any: Keras's variables
        return {
            f"{name}.{variable.name}": variable
            for name, layer in self.layers.items()
            for variable in layer.trainable_variables
        }

    def gradients(self, inputs: Array, labels: NDArray[np.int32]) -> tuple[float, dict[str, Array]]:
        """The loss of logits in training, and its gradient with respect to every weight.

        It moves the moving statistics, as training does.
        """
        variables = self.trainable()
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, self(inputs, True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, [variable.value for variable in variables.values()])
        return float(loss), {
            key: gradient.numpy() for key, gradient in zip(variables, gradients, strict=True)
        }

    def train(
        self,
        optimizer: Any,  # Any: Keras's optimizer
        batches: list[tuple[Array, NDArray[np.int32]]],
        learning_rates: Array,
    ) -> list[float]:
        """A step of Keras's optimizer for every batch. Gives the losses."""
        losses: list[float] = []
        for (inputs, labels), rate in zip(batches, learning_rates, strict=True):
            optimizer.learning_rate.assign(rate)
            loss, gradients = self.gradients(inputs, labels)
            variables = self.trainable()
            optimizer.apply([tf.constant(gradients[key]) for key in variables], variables.values())
            losses.append(loss)
        return losses


def keras_optimizer(optimizer: Optimizer) -> Any:  # Any: Keras ships no types
    """Keras's optimizer of the same name with the same fields."""
    made = keras.optimizers.Adam if isinstance(optimizer, Adam) else keras.optimizers.SGD
    return made(**optimizer.model_dump())
