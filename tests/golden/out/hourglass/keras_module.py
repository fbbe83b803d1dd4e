"""The network hourglass as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (9, 8, 3) to probabilities (3).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((9, 8, 3), name="input")
    x = layers.DepthwiseConv2D(
        3,
        strides=2,
        padding="same",
        depth_multiplier=2,
        depthwise_initializer=keras.initializers.Orthogonal(gain=0.5),
        depthwise_constraint=keras.constraints.MaxNorm(axis=2),
        name="depthwise_conv2d",
    )(inputs)  # (5, 4, 6)
    x = layers.SeparableConv2D(
        6,
        (2, 3),
        padding="same",
        depth_multiplier=2,
        activation="relu",
        dilation_rate=(1, 2),
        depthwise_initializer="he_normal",
        name="separable_conv2d",
    )(x)  # (5, 4, 6)
    x = layers.SeparableConv2D(
        5,
        3,
        use_bias=False,
        pointwise_initializer="lecun_uniform",
        name="separable_conv2d_1",
    )(x)  # (3, 2, 5)
    x = layers.Conv2DTranspose(
        4,
        3,
        strides=2,
        padding="same",
        activation="gelu",
        name="conv2d_transpose",
    )(x)  # (6, 4, 4)
    x = layers.Conv2DTranspose(
        4,
        (4, 2),
        strides=(2, 3),
        padding="same",
        use_bias=False,
        kernel_initializer="he_normal",
        name="conv2d_transpose_1",
    )(x)  # (12, 12, 4)
    x = layers.Conv2DTranspose(
        2,
        5,
        strides=(2, 1),
        padding="same",
        output_padding=(1, 0),
        name="conv2d_transpose_2",
    )(x)  # (24, 12, 2)
    x = layers.Flatten(name="flatten")(x)  # (576)
    x = layers.Dense(3, activation=None if logits else "softmax", name="dense")(x)  # (3)
    return keras.Model(inputs, x, name="hourglass")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(learning_rate=0.05)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "depthwise_conv2d": ["depthwise_conv2d.kernel", "depthwise_conv2d.bias"],
    "separable_conv2d": [
        "separable_conv2d.depthwise_kernel",
        "separable_conv2d.pointwise_kernel",
        "separable_conv2d.bias",
    ],
    "separable_conv2d_1": [
        "separable_conv2d_1.depthwise_kernel",
        "separable_conv2d_1.pointwise_kernel",
    ],
    "conv2d_transpose": ["conv2d_transpose.kernel", "conv2d_transpose.bias"],
    "conv2d_transpose_1": ["conv2d_transpose_1.kernel"],
    "conv2d_transpose_2": ["conv2d_transpose_2.kernel", "conv2d_transpose_2.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "depthwise_conv2d.kernel": {"height": 3, "width": 3, "input": 3, "multiplier": 2},
    "depthwise_conv2d.bias": {"output": 6},
    "separable_conv2d.depthwise_kernel": {"height": 2, "width": 3, "input": 6, "multiplier": 2},
    "separable_conv2d.pointwise_kernel": {"height": 1, "width": 1, "input": 12, "output": 6},
    "separable_conv2d.bias": {"output": 6},
    "separable_conv2d_1.depthwise_kernel": {"height": 3, "width": 3, "input": 6, "multiplier": 1},
    "separable_conv2d_1.pointwise_kernel": {"height": 1, "width": 1, "input": 6, "output": 5},
    "conv2d_transpose.kernel": {"height": 3, "width": 3, "output": 4, "input": 5},
    "conv2d_transpose.bias": {"output": 4},
    "conv2d_transpose_1.kernel": {"height": 4, "width": 2, "output": 4, "input": 4},
    "conv2d_transpose_2.kernel": {"height": 5, "width": 5, "output": 2, "input": 4},
    "conv2d_transpose_2.bias": {"output": 2},
    "dense.kernel": {"input": 576, "output": 3},
    "dense.bias": {"output": 3},
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
