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


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 5, "width": 5, "input": 1, "output": 6},
    "conv2d.bias": {"output": 6},
    "conv2d_1.kernel": {"height": 5, "width": 5, "input": 6, "output": 16},
    "conv2d_1.bias": {"output": 16},
    "dense.kernel": {"input": 400, "output": 120},
    "dense.bias": {"output": 120},
    "dense_1.kernel": {"input": 120, "output": 84},
    "dense_1.bias": {"output": 84},
    "dense_2.kernel": {"input": 84, "output": 10},
    "dense_2.bias": {"output": 10},
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
