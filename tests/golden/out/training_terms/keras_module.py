"""The network training_terms as a Keras model.

Written by netspec; runs without it.
"""

import math

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (6) to probabilities (3).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((6,), name="input")
    x = layers.Dense(5, activation="relu", name="dense")(inputs)  # (5)
    x = layers.Dense(3, activation=None if logits else "softmax", name="dense_1")(x)  # (3)
    return keras.Model(inputs, x, name="training_terms")


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
    total_steps = 10 * steps_per_epoch
    # The last step of every phase, and how far the rate moves within it.
    phases = [
        (0.3 * total_steps - 1, 0.009000000000000001),
        (total_steps - 1, -0.0099999),
    ]
    return OneCycle(first=0.001, phases=phases, cosine=True)


def build_optimizer(learning_rate) -> keras.optimizers.Optimizer:
    """`learning_rate` is a number, or what build_schedule returns."""
    return keras.optimizers.Lion(
        learning_rate=learning_rate,
        weight_decay=0.01,
        clipnorm=1.0,
        use_ema=True,
        ema_overwrite_frequency=100,
    )


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "dense": ["dense.kernel", "dense.bias"],
    "dense_1": ["dense_1.kernel", "dense_1.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "dense.kernel": {"input": 6, "output": 5},
    "dense.bias": {"output": 5},
    "dense_1.kernel": {"input": 5, "output": 3},
    "dense_1.bias": {"output": 3},
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
