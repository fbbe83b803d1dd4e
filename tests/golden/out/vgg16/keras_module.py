"""The network vgg16 as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (224, 224, 3) to probabilities (1000).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((224, 224, 3), name="input")
    x = layers.Conv2D(
        64,
        3,
        padding="same",
        activation="relu",
        name="stage.conv2d_0",
    )(inputs)  # (224, 224, 64)
    x = layers.Conv2D(64, 3, padding="same", name="stage.conv2d_1")(x)  # (224, 224, 64)
    x = layers.MaxPooling2D(2, name="stage.max_pooling2d")(x)  # (112, 112, 64)
    x = layers.Activation("relu", name="stage.conv2d_1.activation")(x)  # (112, 112, 64)
    x = layers.Conv2D(
        128,
        3,
        padding="same",
        activation="relu",
        name="stage_1.conv2d_0",
    )(x)  # (112, 112, 128)
    x = layers.Conv2D(128, 3, padding="same", name="stage_1.conv2d_1")(x)  # (112, 112, 128)
    x = layers.MaxPooling2D(2, name="stage_1.max_pooling2d")(x)  # (56, 56, 128)
    x = layers.Activation("relu", name="stage_1.conv2d_1.activation")(x)  # (56, 56, 128)
    x = layers.Conv2D(
        256,
        3,
        padding="same",
        activation="relu",
        name="stage_2.conv2d_0",
    )(x)  # (56, 56, 256)
    x = layers.Conv2D(
        256,
        3,
        padding="same",
        activation="relu",
        name="stage_2.conv2d_1",
    )(x)  # (56, 56, 256)
    x = layers.Conv2D(256, 3, padding="same", name="stage_2.conv2d_2")(x)  # (56, 56, 256)
    x = layers.MaxPooling2D(2, name="stage_2.max_pooling2d")(x)  # (28, 28, 256)
    x = layers.Activation("relu", name="stage_2.conv2d_2.activation")(x)  # (28, 28, 256)
    x = layers.Conv2D(
        512,
        3,
        padding="same",
        activation="relu",
        name="stage_3_0.conv2d_0",
    )(x)  # (28, 28, 512)
    x = layers.Conv2D(
        512,
        3,
        padding="same",
        activation="relu",
        name="stage_3_0.conv2d_1",
    )(x)  # (28, 28, 512)
    x = layers.Conv2D(512, 3, padding="same", name="stage_3_0.conv2d_2")(x)  # (28, 28, 512)
    x = layers.MaxPooling2D(2, name="stage_3_0.max_pooling2d")(x)  # (14, 14, 512)
    x = layers.Activation("relu", name="stage_3_0.conv2d_2.activation")(x)  # (14, 14, 512)
    x = layers.Conv2D(
        512,
        3,
        padding="same",
        activation="relu",
        name="stage_3_1.conv2d_0",
    )(x)  # (14, 14, 512)
    x = layers.Conv2D(
        512,
        3,
        padding="same",
        activation="relu",
        name="stage_3_1.conv2d_1",
    )(x)  # (14, 14, 512)
    x = layers.Conv2D(512, 3, padding="same", name="stage_3_1.conv2d_2")(x)  # (14, 14, 512)
    x = layers.MaxPooling2D(2, name="stage_3_1.max_pooling2d")(x)  # (7, 7, 512)
    x = layers.Activation("relu", name="stage_3_1.conv2d_2.activation")(x)  # (7, 7, 512)
    x = layers.Flatten(name="flatten")(x)  # (25088)
    x = layers.Dense(4096, activation="relu", name="dense_0")(x)  # (4096)
    x = layers.Dense(4096, activation="relu", name="dense_1")(x)  # (4096)
    x = layers.Dense(1000, activation=None if logits else "softmax", name="dense_2")(x)  # (1000)
    return keras.Model(inputs, x, name="vgg16")


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "stage.conv2d_0": ["stage/conv2d_0.kernel", "stage/conv2d_0.bias"],
    "stage.conv2d_1": ["stage/conv2d_1.kernel", "stage/conv2d_1.bias"],
    "stage_1.conv2d_0": ["stage_1/conv2d_0.kernel", "stage_1/conv2d_0.bias"],
    "stage_1.conv2d_1": ["stage_1/conv2d_1.kernel", "stage_1/conv2d_1.bias"],
    "stage_2.conv2d_0": ["stage_2/conv2d_0.kernel", "stage_2/conv2d_0.bias"],
    "stage_2.conv2d_1": ["stage_2/conv2d_1.kernel", "stage_2/conv2d_1.bias"],
    "stage_2.conv2d_2": ["stage_2/conv2d_2.kernel", "stage_2/conv2d_2.bias"],
    "stage_3_0.conv2d_0": ["stage_3_0/conv2d_0.kernel", "stage_3_0/conv2d_0.bias"],
    "stage_3_0.conv2d_1": ["stage_3_0/conv2d_1.kernel", "stage_3_0/conv2d_1.bias"],
    "stage_3_0.conv2d_2": ["stage_3_0/conv2d_2.kernel", "stage_3_0/conv2d_2.bias"],
    "stage_3_1.conv2d_0": ["stage_3_1/conv2d_0.kernel", "stage_3_1/conv2d_0.bias"],
    "stage_3_1.conv2d_1": ["stage_3_1/conv2d_1.kernel", "stage_3_1/conv2d_1.bias"],
    "stage_3_1.conv2d_2": ["stage_3_1/conv2d_2.kernel", "stage_3_1/conv2d_2.bias"],
    "dense_0": ["dense_0.kernel", "dense_0.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
    "dense_2": ["dense_2.kernel", "dense_2.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "stage/conv2d_0.kernel": {"height": 3, "width": 3, "input": 3, "output": 64},
    "stage/conv2d_0.bias": {"output": 64},
    "stage/conv2d_1.kernel": {"height": 3, "width": 3, "input": 64, "output": 64},
    "stage/conv2d_1.bias": {"output": 64},
    "stage_1/conv2d_0.kernel": {"height": 3, "width": 3, "input": 64, "output": 128},
    "stage_1/conv2d_0.bias": {"output": 128},
    "stage_1/conv2d_1.kernel": {"height": 3, "width": 3, "input": 128, "output": 128},
    "stage_1/conv2d_1.bias": {"output": 128},
    "stage_2/conv2d_0.kernel": {"height": 3, "width": 3, "input": 128, "output": 256},
    "stage_2/conv2d_0.bias": {"output": 256},
    "stage_2/conv2d_1.kernel": {"height": 3, "width": 3, "input": 256, "output": 256},
    "stage_2/conv2d_1.bias": {"output": 256},
    "stage_2/conv2d_2.kernel": {"height": 3, "width": 3, "input": 256, "output": 256},
    "stage_2/conv2d_2.bias": {"output": 256},
    "stage_3_0/conv2d_0.kernel": {"height": 3, "width": 3, "input": 256, "output": 512},
    "stage_3_0/conv2d_0.bias": {"output": 512},
    "stage_3_0/conv2d_1.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_0/conv2d_1.bias": {"output": 512},
    "stage_3_0/conv2d_2.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_0/conv2d_2.bias": {"output": 512},
    "stage_3_1/conv2d_0.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_0.bias": {"output": 512},
    "stage_3_1/conv2d_1.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_1.bias": {"output": 512},
    "stage_3_1/conv2d_2.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_2.bias": {"output": 512},
    "dense_0.kernel": {"input": 25088, "output": 4096},
    "dense_0.bias": {"output": 4096},
    "dense_1.kernel": {"input": 4096, "output": 4096},
    "dense_1.bias": {"output": 4096},
    "dense_2.kernel": {"input": 4096, "output": 1000},
    "dense_2.bias": {"output": 1000},
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
