"""The network digits_cnn as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (8, 8, 1), divided by 16, to probabilities (10).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((8, 8, 1), name="input")
    x = layers.Conv2D(32, 3, padding="same", use_bias=False, name="conv2d")(inputs)  # (8, 8, 32)
    x = layers.BatchNormalization(momentum=0.9, name="batch_normalization")(x)  # (8, 8, 32)
    x = layers.MaxPooling2D(2, name="max_pooling2d")(x)  # (4, 4, 32)
    x = layers.Activation("relu", name="activation")(x)  # (4, 4, 32)
    x = layers.Conv2D(64, 3, padding="same", activation="relu", name="conv2d_1")(x)  # (4, 4, 64)
    x = layers.GlobalAveragePooling2D(name="global_average_pooling2d")(x)  # (64)
    x = layers.Dropout(0.1, name="dropout")(x)  # (64)
    x = layers.Dense(10, activation=None if logits else "softmax", name="dense")(x)  # (10)
    return keras.Model(inputs, x, name="digits_cnn")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.003)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel"],
    "batch_normalization": [
        "batch_normalization.gamma",
        "batch_normalization.beta",
        "batch_normalization.moving_mean",
        "batch_normalization.moving_variance",
    ],
    "conv2d_1": ["conv2d_1.kernel", "conv2d_1.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
