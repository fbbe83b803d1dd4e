"""The network initial_values as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (5, 5, 2) to probabilities (4).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((5, 5, 2), name="input")
    x = layers.Conv2D(
        4,
        3,
        padding="same",
        kernel_initializer="he_normal",
        bias_initializer=keras.initializers.Constant(value=0.1),
        name="conv2d",
    )(inputs)  # (5, 5, 4)
    x = layers.Activation("relu6", name="activation")(x)  # (5, 5, 4)
    x = layers.Conv2D(
        4,
        1,
        activation="hard_silu",
        kernel_initializer="he_uniform",
        bias_initializer="ones",
        name="conv2d_1",
    )(x)  # (5, 5, 4)
    x = layers.Conv2D(
        6,
        2,
        activation="softmax",
        kernel_initializer=keras.initializers.Orthogonal(gain=0.5),
        bias_initializer="random_normal",
        name="conv2d_2",
    )(x)  # (4, 4, 6)
    x = layers.Conv2D(
        4,
        1,
        activation="mish",
        kernel_initializer="lecun_normal",
        bias_initializer="glorot_uniform",
        name="conv2d_3",
    )(x)  # (4, 4, 4)
    x = layers.BatchNormalization(
        beta_initializer=keras.initializers.Constant(value=-0.5),
        gamma_initializer=keras.initializers.RandomUniform(minval=0.5, maxval=1.5),
        moving_mean_initializer=keras.initializers.RandomNormal(mean=0.5, stddev=0.1),
        moving_variance_initializer=keras.initializers.Constant(value=2.0),
        name="batch_normalization",
    )(x)  # (4, 4, 4)
    x = layers.Conv2D(
        4,
        2,
        activation="softplus",
        kernel_initializer="lecun_uniform",
        name="conv2d_4",
    )(x)  # (3, 3, 4)
    x = layers.Flatten(name="flatten")(x)  # (36)
    x = layers.Dense(
        8,
        activation="elu",
        kernel_initializer="glorot_normal",
        name="dense",
    )(x)  # (8)
    x = layers.Dense(8, activation="gelu", kernel_initializer="identity", name="dense_1")(x)  # (8)
    x = layers.Dense(
        8,
        activation="silu",
        kernel_initializer=keras.initializers.RandomUniform(minval=-0.25, maxval=0.5),
        name="dense_2",
    )(x)  # (8)
    x = layers.Dense(
        8,
        activation="softsign",
        kernel_initializer=keras.initializers.TruncatedNormal(mean=0.1, stddev=0.2),
        name="dense_3",
    )(x)  # (8)
    x = layers.Dense(
        8,
        activation="sigmoid",
        kernel_initializer=keras.initializers.VarianceScaling(scale=3.0, mode="fan_out"),
        name="dense_4",
    )(x)  # (8)
    x = layers.Dense(
        8,
        activation="hard_sigmoid",
        kernel_initializer=keras.initializers.VarianceScaling(
            mode="fan_avg", distribution="uniform"
        ),
        name="dense_5",
    )(x)  # (8)
    x = layers.Dense(
        8,
        activation="exponential",
        kernel_initializer=keras.initializers.VarianceScaling(distribution="untruncated_normal"),
        name="dense_6",
    )(x)  # (8)
    x = layers.Dense(
        8,
        kernel_initializer=keras.initializers.RandomNormal(mean=-0.1, stddev=0.3),
        name="dense_7",
    )(x)  # (8)
    x = layers.Dense(
        4,
        kernel_initializer="zeros",
        bias_initializer=keras.initializers.RandomUniform(minval=0.0, maxval=1.0),
        name="dense_8",
    )(x)  # (4)
    x = layers.Activation(None if logits else "softmax", name="activation_1")(x)  # (4)
    return keras.Model(inputs, x, name="initial_values")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(
        learning_rate=0.002,
        beta_1=0.8,
        beta_2=0.99,
        epsilon=1e-06,
        amsgrad=True,
    )


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
    "conv2d_1": ["conv2d_1.kernel", "conv2d_1.bias"],
    "conv2d_2": ["conv2d_2.kernel", "conv2d_2.bias"],
    "conv2d_3": ["conv2d_3.kernel", "conv2d_3.bias"],
    "batch_normalization": [
        "batch_normalization.gamma",
        "batch_normalization.beta",
        "batch_normalization.moving_mean",
        "batch_normalization.moving_variance",
    ],
    "conv2d_4": ["conv2d_4.kernel", "conv2d_4.bias"],
    "dense": ["dense.kernel", "dense.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
    "dense_2": ["dense_2.kernel", "dense_2.bias"],
    "dense_3": ["dense_3.kernel", "dense_3.bias"],
    "dense_4": ["dense_4.kernel", "dense_4.bias"],
    "dense_5": ["dense_5.kernel", "dense_5.bias"],
    "dense_6": ["dense_6.kernel", "dense_6.bias"],
    "dense_7": ["dense_7.kernel", "dense_7.bias"],
    "dense_8": ["dense_8.kernel", "dense_8.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
