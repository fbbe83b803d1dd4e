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


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 3, "width": 3, "input": 2, "output": 4},
    "conv2d.bias": {"output": 4},
    "conv2d_1.kernel": {"height": 1, "width": 1, "input": 4, "output": 4},
    "conv2d_1.bias": {"output": 4},
    "conv2d_2.kernel": {"height": 2, "width": 2, "input": 4, "output": 6},
    "conv2d_2.bias": {"output": 6},
    "conv2d_3.kernel": {"height": 1, "width": 1, "input": 6, "output": 4},
    "conv2d_3.bias": {"output": 4},
    "batch_normalization.gamma": {"output": 4},
    "batch_normalization.beta": {"output": 4},
    "batch_normalization.moving_mean": {"output": 4},
    "batch_normalization.moving_variance": {"output": 4},
    "conv2d_4.kernel": {"height": 2, "width": 2, "input": 4, "output": 4},
    "conv2d_4.bias": {"output": 4},
    "dense.kernel": {"input": 36, "output": 8},
    "dense.bias": {"output": 8},
    "dense_1.kernel": {"input": 8, "output": 8},
    "dense_1.bias": {"output": 8},
    "dense_2.kernel": {"input": 8, "output": 8},
    "dense_2.bias": {"output": 8},
    "dense_3.kernel": {"input": 8, "output": 8},
    "dense_3.bias": {"output": 8},
    "dense_4.kernel": {"input": 8, "output": 8},
    "dense_4.bias": {"output": 8},
    "dense_5.kernel": {"input": 8, "output": 8},
    "dense_5.bias": {"output": 8},
    "dense_6.kernel": {"input": 8, "output": 8},
    "dense_6.bias": {"output": 8},
    "dense_7.kernel": {"input": 8, "output": 8},
    "dense_7.bias": {"output": 8},
    "dense_8.kernel": {"input": 8, "output": 4},
    "dense_8.bias": {"output": 4},
}


def find_mismatch(
    weights: dict[str, object], axes: dict[str, dict[str, int]]
) -> tuple[str, str] | None:
    """The first weight that does not fit and why, and what to do; None where all fit.

    Weights are float32 arrays by key. `axes` has the size of every axis by its role, by key.
    """
    retrained = "use the weights with the network that they were trained with"
    for key, sizes in axes.items():
        if key not in weights:
            return f"there is no weight {key}", retrained
        value, expected = weights[key], tuple(sizes.values())
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None:
            return f"{key} is not an array", "convert it to an array of float32"
        if tuple(shape) != expected:
            named = ", ".join(f"{role} {size}" for role, size in sizes.items())
            fault = f"{key} has the shape {tuple(shape)}, not ({named})"
            turned = sorted(shape) == sorted(expected)
            return fault, "transpose its axes to this order" if turned else retrained
        if str(dtype).removeprefix("torch.") != "float32":
            return f"{key} is {dtype}, not float32", "convert it to float32"
        low, high = value.min(), value.max()
        if not float("-inf") < low <= high < float("inf"):
            return f"{key} has values that are not finite", "take weights of an earlier epoch"
    unknown = [key for key in weights if key not in axes]
    return (f"{unknown[0]} is not a weight of the network", retrained) if unknown else None


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
