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


# The axes of every weight in a weights file.
AXES = {
    "smaller_0/conv2d.kernel": {"height": 3, "width": 3, "input": 1, "output": 32},
    "smaller_0/conv2d.bias": {"output": 32},
    "smaller_1/conv2d.kernel": {"height": 3, "width": 3, "input": 32, "output": 32},
    "smaller_1/conv2d.bias": {"output": 32},
    "larger_0/conv2d_transpose.kernel": {"height": 3, "width": 3, "output": 32, "input": 32},
    "larger_0/conv2d_transpose.bias": {"output": 32},
    "larger_1/conv2d_transpose.kernel": {"height": 3, "width": 3, "output": 32, "input": 32},
    "larger_1/conv2d_transpose.bias": {"output": 32},
    "conv2d.kernel": {"height": 3, "width": 3, "input": 32, "output": 1},
    "conv2d.bias": {"output": 1},
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
