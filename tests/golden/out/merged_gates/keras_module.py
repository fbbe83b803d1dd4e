"""The network merged_gates as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (12, 10, 4) to probabilities (3).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((12, 10, 4), name="input")
    x = layers.RandomFlip("horizontal", name="random_flip")(inputs)  # (12, 10, 4)
    x = layers.RandomTranslation(
        0.1,
        (-0.2, 0.1),
        fill_mode="constant",
        fill_value=0.5,
        name="random_translation",
    )(x)  # (12, 10, 4)
    x = layers.RandomRotation(
        0.05,
        interpolation="nearest",
        name="random_rotation",
    )(x)  # (12, 10, 4)
    x = layers.RandomZoom(0.2, name="random_zoom")(x)  # (12, 10, 4)
    stem = layers.Conv2D(8, 3, padding="same", name="stem")(x)  # (12, 10, 8)
    x = layers.GroupNormalization(groups=4, name="group_normalization")(stem)  # (12, 10, 8)
    x = layers.PReLU(shared_axes=(1, 2), name="p_re_lu")(x)  # (12, 10, 8)
    x = layers.SpatialDropout2D(0.1, name="spatial_dropout2d")(x)  # (12, 10, 8)
    shortcut = layers.Add(name="shortcut")([stem, x])  # (12, 10, 8)
    x = layers.GlobalAveragePooling2D(
        keepdims=True,
        name="global_average_pooling2d",
    )(shortcut)  # (1, 1, 8)
    x = layers.Dense(8, activation="sparse_sigmoid", name="gate")(x)  # (1, 1, 8)
    x = layers.Multiply(name="excited")([shortcut, x])  # (12, 10, 8)
    x = layers.Maximum(name="maximum")([x, stem, shortcut])  # (12, 10, 8)
    x = layers.Concatenate(name="concatenate")([x, stem])  # (12, 10, 16)
    x = layers.ReLU(
        max_value=4.0,
        negative_slope=0.1,
        threshold=0.25,
        name="re_lu",
    )(x)  # (12, 10, 16)
    x = layers.GroupNormalization(
        groups=-1,
        axis=1,
        center=False,
        name="group_normalization_1",
    )(x)  # (12, 10, 16)
    x = layers.LayerNormalization(name="layer_normalization")(x)  # (12, 10, 16)
    x = layers.LayerNormalization(
        axis=(1, 2),
        scale=False,
        name="layer_normalization_1",
    )(x)  # (12, 10, 16)
    x = layers.GaussianNoise(0.1, name="gaussian_noise")(x)  # (12, 10, 16)
    x = layers.Flatten(name="flatten")(x)  # (1920)
    x = layers.GaussianDropout(0.2, name="gaussian_dropout")(x)  # (1920)
    x = layers.RMSNormalization(name="rms_normalization")(x)  # (1920)
    left = layers.Dense(6, activation="sparsemax", name="left")(x)  # (6)
    x = layers.UnitNormalization(name="unit_normalization")(left)  # (6)
    x = layers.Dot(axes=1, normalize=True, name="dot")([left, x])  # (1)
    x = layers.Average(name="average")([left, x])  # (6)
    x = layers.Activation("celu", name="activation")(x)  # (6)
    x = layers.Dense(3, activation=None if logits else "softmax", name="dense")(x)  # (3)
    return keras.Model(inputs, x, name="merged_gates")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.SGD(learning_rate=0.01)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "stem": ["stem.kernel", "stem.bias"],
    "group_normalization": ["group_normalization.gamma", "group_normalization.beta"],
    "p_re_lu": ["p_re_lu.alpha"],
    "gate": ["gate.kernel", "gate.bias"],
    "group_normalization_1": ["group_normalization_1.gamma"],
    "layer_normalization": ["layer_normalization.gamma", "layer_normalization.beta"],
    "layer_normalization_1": ["layer_normalization_1.beta"],
    "rms_normalization": ["rms_normalization.scale"],
    "left": ["left.kernel", "left.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "stem.kernel": {"height": 3, "width": 3, "input": 4, "output": 8},
    "stem.bias": {"output": 8},
    "group_normalization.gamma": {"axis0": 8},
    "group_normalization.beta": {"axis0": 8},
    "p_re_lu.alpha": {"space1": 1, "space2": 1, "channel": 8},
    "gate.kernel": {"input": 8, "output": 8},
    "gate.bias": {"output": 8},
    "group_normalization_1.gamma": {"axis0": 12},
    "layer_normalization.gamma": {"axis0": 16},
    "layer_normalization.beta": {"axis0": 16},
    "layer_normalization_1.beta": {"axis0": 12, "axis1": 10},
    "rms_normalization.scale": {"axis0": 1920},
    "left.kernel": {"input": 1920, "output": 6},
    "left.bias": {"output": 6},
    "dense.kernel": {"input": 6, "output": 3},
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
