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


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 4, "width": 4, "input": 2, "output": 8},
    "conv2d.bias": {"output": 8},
    "conv2d_1.kernel": {"height": 3, "width": 3, "input": 8, "output": 8},
    "batch_normalization.beta": {"output": 11},
    "batch_normalization.moving_mean": {"output": 11},
    "batch_normalization.moving_variance": {"output": 11},
    "batch_normalization_1.gamma": {"output": 5},
    "batch_normalization_1.moving_mean": {"output": 5},
    "batch_normalization_1.moving_variance": {"output": 5},
    "conv2d_2.kernel": {"height": 2, "width": 3, "input": 8, "output": 6},
    "conv2d_2.bias": {"output": 6},
    "conv2d_3.kernel": {"height": 1, "width": 3, "input": 1, "output": 12},
    "conv2d_3.bias": {"output": 12},
    "batch_normalization_2.gamma": {"output": 12},
    "batch_normalization_2.beta": {"output": 12},
    "batch_normalization_2.moving_mean": {"output": 12},
    "batch_normalization_2.moving_variance": {"output": 12},
    "dense.kernel": {"input": 12, "output": 5},
    "dense.bias": {"output": 5},
    "batch_normalization_3.moving_mean": {"output": 5},
    "batch_normalization_3.moving_variance": {"output": 5},
    "dense_1.kernel": {"input": 5, "output": 3},
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
