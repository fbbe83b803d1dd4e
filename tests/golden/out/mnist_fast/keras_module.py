"""The network mnist_fast as a Keras model.

Written by netspec; runs without it.
"""

import math

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (28, 28, 1), divided by 255, to probabilities (10).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((28, 28, 1), name="input")
    x = layers.Cropping2D(((0, 2), (0, 2)), name="input.needed")(inputs)  # (26, 26, 1)
    x = layers.Conv2D(32, 3, kernel_initializer="orthogonal", name="conv2d")(x)  # (24, 24, 32)
    x = layers.MaxPooling2D(2, name="max_pooling2d")(x)  # (12, 12, 32)
    x = layers.Activation("relu", name="conv2d.activation")(x)  # (12, 12, 32)
    x = layers.Conv2D(64, 3, kernel_initializer="orthogonal", name="conv2d_1")(x)  # (10, 10, 64)
    x = layers.MaxPooling2D(2, name="max_pooling2d_1")(x)  # (5, 5, 64)
    x = layers.Activation("relu", name="conv2d_1.activation")(x)  # (5, 5, 64)
    x = layers.Conv2D(
        64,
        3,
        activation="relu",
        kernel_initializer="orthogonal",
        name="conv2d_2",
    )(x)  # (3, 3, 64)
    x = layers.Flatten(name="flatten")(x)  # (576)
    x = layers.Dense(
        64,
        activation="relu",
        kernel_initializer="orthogonal",
        name="dense",
    )(x)  # (64)
    x = layers.Dense(
        10,
        activation=None if logits else "softmax",
        kernel_initializer="orthogonal",
        name="dense_1",
    )(x)  # (10)
    return keras.Model(inputs, x, name="mnist_fast")


class OneCycle(keras.optimizers.schedules.LearningRateSchedule):
    """Up to the largest rate and down far below the first (Smith and Topin, 2018).

    Each phase has its last step and the change of the rate within it.
    """

    def __init__(self, first, phases, cosine):
        super().__init__()
        self.first = first
        self.phases = phases
        self.cosine = cosine

    def __call__(self, step):
        step, begin, rate = keras.ops.cast(step, "float32"), 0, self.first
        for end, change in self.phases:
            p = keras.ops.clip((step - begin) / (end - begin), 0, 1)
            if self.cosine:
                p = (1 - keras.ops.cos(math.pi * p)) / 2
            begin, rate = end, rate + change * p
        return rate


def build_schedule(steps_per_epoch: int) -> keras.optimizers.schedules.LearningRateSchedule:
    """The learning rate of every step, for build_optimizer."""
    total_steps = 1 * steps_per_epoch
    # The last step of every phase, and how far the rate moves within it.
    phases = [
        (0.25 * total_steps - 1, 0.009600000000000001),
        (total_steps - 1, -0.00999996),
    ]
    return OneCycle(first=0.0004, phases=phases, cosine=False)


def build_optimizer(learning_rate) -> keras.optimizers.Optimizer:
    """`learning_rate` is a number, or what build_schedule returns."""
    return keras.optimizers.Adam(learning_rate=learning_rate, beta_2=0.98)


class SmoothedSparseCategoricalCrossentropy(keras.losses.Loss):
    """Cross-entropy of class indices, a part of which is spread over all classes."""

    def __init__(self, label_smoothing):
        super().__init__()
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        labels = keras.ops.one_hot(keras.ops.cast(y_true, "int32"), y_pred.shape[-1])
        return keras.losses.categorical_crossentropy(
            labels, y_pred, from_logits=True, label_smoothing=self.label_smoothing
        )


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return SmoothedSparseCategoricalCrossentropy(0.1)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "conv2d": ["conv2d.kernel", "conv2d.bias"],
    "conv2d_1": ["conv2d_1.kernel", "conv2d_1.bias"],
    "conv2d_2": ["conv2d_2.kernel", "conv2d_2.bias"],
    "dense": ["dense.kernel", "dense.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 3, "width": 3, "input": 1, "output": 32},
    "conv2d.bias": {"output": 32},
    "conv2d_1.kernel": {"height": 3, "width": 3, "input": 32, "output": 64},
    "conv2d_1.bias": {"output": 64},
    "conv2d_2.kernel": {"height": 3, "width": 3, "input": 64, "output": 64},
    "conv2d_2.bias": {"output": 64},
    "dense.kernel": {"input": 576, "output": 64},
    "dense.bias": {"output": 64},
    "dense_1.kernel": {"input": 64, "output": 10},
    "dense_1.bias": {"output": 10},
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
