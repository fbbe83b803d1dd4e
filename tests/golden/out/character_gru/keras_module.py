"""The network character_gru as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model() -> keras.Model:
    """Inputs (100) to outputs (100, 66)."""
    inputs = keras.Input((100,), name="input")
    x = layers.Embedding(66, 256, name="embedding")(inputs)  # (100, 256)
    x = layers.GRU(1024, return_sequences=True, name="gru")(x)  # (100, 1024)
    x = layers.Dense(66, name="dense")(x)  # (100, 66)
    return keras.Model(inputs, x, name="character_gru")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "embedding": ["embedding.embeddings"],
    "gru": ["gru.kernel", "gru.recurrent_kernel", "gru.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "embedding.embeddings": {"index": 66, "output": 256},
    "gru.kernel": {"input": 256, "output": 3072},
    "gru.recurrent_kernel": {"input": 1024, "output": 3072},
    "gru.bias": {"side": 2, "output": 3072},
    "dense.kernel": {"input": 1024, "output": 66},
    "dense.bias": {"output": 66},
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
