"""The network several_outputs as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (4, 4, 2), (5, 3) to probabilities (3), (3), (1), (2), (1), (5, 4), (5, 2).

    With `logits` the final softmax and sigmoid are left off, as a loss on logits wants it.
    """
    image = keras.Input((4, 4, 2), name="image")
    words = keras.Input((5, 3), name="words")
    x = layers.Conv2D(4, 3, activation="relu", name="features")(image)  # (2, 2, 4)
    flat = layers.Flatten(name="flat")(x)  # (16)
    kind = layers.Dense(3, activation=None if logits else "softmax", name="kind")(flat)  # (3)
    x = layers.Dense(3, name="smooth")(flat)  # (3)
    smoothed = layers.Activation(None if logits else "softmax", name="smoothed")(x)  # (3)
    yes = layers.Dense(1, activation=None if logits else "sigmoid", name="yes")(flat)  # (1)
    place = layers.Dense(2, name="place")(flat)  # (2)
    side = layers.Dense(1, activation="tanh", name="side")(flat)  # (1)
    step = layers.Dense(4, activation=None if logits else "softmax", name="step")(words)  # (5, 4)
    x = layers.Dense(2, activation="softmax", name="share")(words)  # (5, 2)
    return keras.Model(
        [image, words],
        [kind, smoothed, yes, place, side, step, x],
        name="several_outputs",
    )


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(learning_rate=0.01)


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


class MaskedSmoothedSparseCategoricalCrossentropy(SmoothedSparseCategoricalCrossentropy):
    """The same, whose mean is over the class indices that are not `ignore_class`.

    Without such an index it is 0.
    """

    def __init__(self, label_smoothing, ignore_class):
        super().__init__(label_smoothing)
        self.ignore_class = ignore_class

    def call(self, y_true, y_pred):
        mask = keras.ops.not_equal(y_true, self.ignore_class)
        values = super().call(keras.ops.where(mask, y_true, 0), y_pred)
        weights = keras.ops.cast(mask, values.dtype)
        return keras.ops.divide_no_nan(values * weights, keras.ops.mean(weights))


# What the loss of every output counts for.
LOSS_WEIGHTS = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25]


def build_loss() -> list[keras.losses.Loss]:
    """The loss of every output, of cross-entropies on logits."""
    return [
        keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=255),
        MaskedSmoothedSparseCategoricalCrossentropy(0.1, -1),
        keras.losses.BinaryCrossentropy(from_logits=True, label_smoothing=0.2),
        keras.losses.Huber(delta=2.0),
        keras.losses.SquaredHinge(),
        keras.losses.CategoricalCrossentropy(from_logits=True),
        keras.losses.KLDivergence(),
    ]


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "features": ["features.kernel", "features.bias"],
    "kind": ["kind.kernel", "kind.bias"],
    "smooth": ["smooth.kernel", "smooth.bias"],
    "yes": ["yes.kernel", "yes.bias"],
    "place": ["place.kernel", "place.bias"],
    "side": ["side.kernel", "side.bias"],
    "step": ["step.kernel", "step.bias"],
    "share": ["share.kernel", "share.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "features.kernel": {"height": 3, "width": 3, "input": 2, "output": 4},
    "features.bias": {"output": 4},
    "kind.kernel": {"input": 16, "output": 3},
    "kind.bias": {"output": 3},
    "smooth.kernel": {"input": 16, "output": 3},
    "smooth.bias": {"output": 3},
    "yes.kernel": {"input": 16, "output": 1},
    "yes.bias": {"output": 1},
    "place.kernel": {"input": 16, "output": 2},
    "place.bias": {"output": 2},
    "side.kernel": {"input": 16, "output": 1},
    "side.bias": {"output": 1},
    "step.kernel": {"input": 3, "output": 4},
    "step.bias": {"output": 4},
    "share.kernel": {"input": 3, "output": 2},
    "share.bias": {"output": 2},
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
