"""The network odd_windows as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model() -> keras.Model:
    """Inputs (11, 9, 4), divided by 127.5, to outputs (3)."""
    inputs = keras.Input((11, 9, 4), name="input")
    x = layers.Conv2D(
        8,
        4,
        padding="same",
        groups=2,
        activation="selu",
        name="conv2d",
    )(inputs)  # (11, 9, 8)
    x = layers.Conv2D(
        8,
        3,
        padding="same",
        use_bias=False,
        dilation_rate=(2, 1),
        name="conv2d_1",
    )(x)  # (11, 9, 8)
    x = layers.BatchNormalization(axis=1, scale=False, name="batch_normalization")(x)  # (11, 9, 8)
    x = layers.AveragePooling2D(
        3,
        strides=1,
        padding="same",
        name="average_pooling2d",
    )(x)  # (11, 9, 8)
    x = layers.MaxPooling2D(
        (3, 2),
        strides=(2, 1),
        padding="same",
        name="max_pooling2d",
    )(x)  # (6, 9, 8)
    x = layers.MaxPooling2D(3, strides=1, padding="same", name="max_pooling2d_1")(x)  # (6, 9, 8)
    x = layers.AveragePooling2D(2, padding="same", name="average_pooling2d_1")(x)  # (3, 5, 8)
    x = layers.BatchNormalization(
        axis=2,
        momentum=0.9,
        epsilon=1e-05,
        center=False,
        name="batch_normalization_1",
    )(x)  # (3, 5, 8)
    x = layers.Dropout(0.3, noise_shape=(None, 1, None, 8), name="dropout")(x)  # (3, 5, 8)
    x = layers.Conv2D(
        6,
        (2, 3),
        strides=(2, 1),
        padding="same",
        activation="tanh",
        name="conv2d_2",
    )(x)  # (2, 5, 6)
    x = layers.AveragePooling2D((2, 1), strides=1, name="average_pooling2d_2")(x)  # (1, 5, 6)
    x = layers.Conv2D(12, (1, 3), groups=6, dilation_rate=(1, 2), name="conv2d_3")(x)  # (1, 1, 12)
    x = layers.BatchNormalization(name="batch_normalization_2")(x)  # (1, 1, 12)
    x = layers.GlobalAveragePooling2D(
        keepdims=True,
        name="global_average_pooling2d",
    )(x)  # (1, 1, 12)
    x = layers.Dense(5, activation="log_softmax", name="dense")(x)  # (1, 1, 5)
    x = layers.Flatten(name="flatten")(x)  # (5)
    x = layers.BatchNormalization(center=False, scale=False, name="batch_normalization_3")(x)  # (5)
    x = layers.Dropout(0.5, name="dropout_1")(x)  # (5)
    x = layers.Dense(3, use_bias=False, name="dense_1")(x)  # (3)
    return keras.Model(inputs, x, name="odd_windows")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(learning_rate=0.05, momentum=0.9, nesterov=True)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
    "conv2d_1": ["conv2d_1.kernel"],
    "batch_normalization": [
        "batch_normalization.beta",
        "batch_normalization.moving_mean",
        "batch_normalization.moving_variance",
    ],
    "batch_normalization_1": [
        "batch_normalization_1.gamma",
        "batch_normalization_1.moving_mean",
        "batch_normalization_1.moving_variance",
    ],
    "conv2d_2": ["conv2d_2.kernel", "conv2d_2.bias"],
    "conv2d_3": ["conv2d_3.kernel", "conv2d_3.bias"],
    "batch_normalization_2": [
        "batch_normalization_2.gamma",
        "batch_normalization_2.beta",
        "batch_normalization_2.moving_mean",
        "batch_normalization_2.moving_variance",
    ],
    "dense": ["dense.kernel", "dense.bias"],
    "batch_normalization_3": [
        "batch_normalization_3.moving_mean",
        "batch_normalization_3.moving_variance",
    ],
    "dense_1": ["dense_1.kernel"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
