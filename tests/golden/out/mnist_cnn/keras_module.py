"""The network mnist_cnn as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (28, 28, 1), divided by 255, to probabilities (10).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Cropping2D(((0, 2), (0, 2)), name="input.needed")(inputs)  # (26, 26, 1)
    x = layers.Conv2D(32, 3, name="conv2d")(x)  # (24, 24, 32)
    x = layers.MaxPooling2D(2, name="max_pooling2d")(x)  # (12, 12, 32)
    x = layers.Activation("relu", name="conv2d.activation")(x)  # (12, 12, 32)
    x = layers.Conv2D(64, 3, name="conv2d_1")(x)  # (10, 10, 64)
    x = layers.MaxPooling2D(2, name="max_pooling2d_1")(x)  # (5, 5, 64)
    x = layers.Activation("relu", name="conv2d_1.activation")(x)  # (5, 5, 64)
    x = layers.Conv2D(64, 3, activation="relu", name="conv2d_2")(x)  # (3, 3, 64)
    x = layers.Flatten(name="flatten")(x)  # (576)
    x = layers.Dense(64, activation="relu", name="dense")(x)  # (64)
    x = layers.Dense(10, activation=None if logits else "softmax", name="dense_1")(x)  # (10)
    return keras.Model(inputs, x, name="mnist_cnn")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
    "conv2d_1": ["conv2d_1.kernel", "conv2d_1.bias"],
    "conv2d_2": ["conv2d_2.kernel", "conv2d_2.bias"],
    "dense": ["dense.kernel", "dense.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
