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


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 3, "width": 3, "input": 1, "output": 32},
    "batch_normalization.gamma": {"output": 32},
    "batch_normalization.beta": {"output": 32},
    "batch_normalization.moving_mean": {"output": 32},
    "batch_normalization.moving_variance": {"output": 32},
    "conv2d_1.kernel": {"height": 3, "width": 3, "input": 32, "output": 64},
    "conv2d_1.bias": {"output": 64},
    "dense.kernel": {"input": 64, "output": 10},
    "dense.bias": {"output": 10},
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
