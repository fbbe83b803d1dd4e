"""The network autoencoder as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (28, 28, 1), divided by 255, to probabilities (28, 28, 1).

    With `logits` the final sigmoid is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Conv2D(32, 3, padding="same", name="smaller_0.conv2d")(inputs)  # (28, 28, 32)
    x = layers.MaxPooling2D(2, padding="same", name="smaller_0.max_pooling2d")(x)  # (14, 14, 32)
    x = layers.Activation("relu", name="smaller_0.conv2d.activation")(x)  # (14, 14, 32)
    x = layers.Conv2D(32, 3, padding="same", name="smaller_1.conv2d")(x)  # (14, 14, 32)
    x = layers.MaxPooling2D(2, padding="same", name="smaller_1.max_pooling2d")(x)  # (7, 7, 32)
    x = layers.Activation("relu", name="smaller_1.conv2d.activation")(x)  # (7, 7, 32)
    x = layers.Conv2DTranspose(
        32,
        3,
        strides=2,
        padding="same",
        activation="relu",
        name="larger_0.conv2d_transpose",
    )(x)  # (14, 14, 32)
    x = layers.Conv2DTranspose(
        32,
        3,
        strides=2,
        padding="same",
        activation="relu",
        name="larger_1.conv2d_transpose",
    )(x)  # (28, 28, 32)
    x = layers.Conv2D(
        1,
        3,
        padding="same",
        activation=None if logits else "sigmoid",
        name="conv2d",
    )(x)  # (28, 28, 1)
    return keras.Model(inputs, x, name="autoencoder")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.BinaryCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "smaller_0.conv2d": ["smaller_0/conv2d.kernel", "smaller_0/conv2d.bias"],
    "smaller_1.conv2d": ["smaller_1/conv2d.kernel", "smaller_1/conv2d.bias"],
    "larger_0.conv2d_transpose": [
        "larger_0/conv2d_transpose.kernel",
        "larger_0/conv2d_transpose.bias",
    ],
    "larger_1.conv2d_transpose": [
        "larger_1/conv2d_transpose.kernel",
        "larger_1/conv2d_transpose.bias",
    ],
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
