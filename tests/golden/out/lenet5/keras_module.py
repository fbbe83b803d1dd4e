"""The network lenet5 as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (28, 28, 1), divided by 255, to probabilities (10).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Conv2D(6, 5, padding="same", activation="tanh", name="conv2d")(inputs)  # (28, 28, 6)
    x = layers.AveragePooling2D(2, name="average_pooling2d")(x)  # (14, 14, 6)
    x = layers.Conv2D(16, 5, activation="tanh", name="conv2d_1")(x)  # (10, 10, 16)
    x = layers.AveragePooling2D(2, name="average_pooling2d_1")(x)  # (5, 5, 16)
    x = layers.Flatten(name="flatten")(x)  # (400)
    x = layers.Dense(120, activation="tanh", name="dense")(x)  # (120)
    x = layers.Dense(84, activation="tanh", name="dense_1")(x)  # (84)
    x = layers.Dense(10, activation=None if logits else "softmax", name="dense_2")(x)  # (10)
    return keras.Model(inputs, x, name="lenet5")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
    "conv2d_1": ["conv2d_1.kernel", "conv2d_1.bias"],
    "dense": ["dense.kernel", "dense.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
    "dense_2": ["dense_2.kernel", "dense_2.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
