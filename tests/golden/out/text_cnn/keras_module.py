"""The network text_cnn as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (56) to probabilities (2).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((56,), name="input")
    vectors = layers.Embedding(18765, 300, name="vectors")(inputs)  # (56, 300)
    x = layers.Conv1D(100, 3, name="phrases.conv1d")(vectors)  # (54, 100)
    x = layers.GlobalMaxPooling1D(name="phrases.global_max_pooling1d")(x)  # (100)
    phrases_conv1d_activation = layers.Activation(
        "relu",
        name="phrases.conv1d.activation",
    )(x)  # (100)
    x = layers.Conv1D(100, 4, name="phrases_1.conv1d")(vectors)  # (53, 100)
    x = layers.GlobalMaxPooling1D(name="phrases_1.global_max_pooling1d")(x)  # (100)
    phrases_1_conv1d_activation = layers.Activation(
        "relu",
        name="phrases_1.conv1d.activation",
    )(x)  # (100)
    x = layers.Conv1D(100, 5, name="phrases_2.conv1d")(vectors)  # (52, 100)
    x = layers.GlobalMaxPooling1D(name="phrases_2.global_max_pooling1d")(x)  # (100)
    x = layers.Activation("relu", name="phrases_2.conv1d.activation")(x)  # (100)
    x = layers.Concatenate(
        name="concatenate",
    )([phrases_conv1d_activation, phrases_1_conv1d_activation, x])  # (300)
    x = layers.Dropout(0.5, name="dropout")(x)  # (300)
    x = layers.Dense(2, activation=None if logits else "softmax", name="dense")(x)  # (2)
    return keras.Model(inputs, x, name="text_cnn")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "vectors": ["vectors.embeddings"],
    "phrases.conv1d": ["phrases/conv1d.kernel", "phrases/conv1d.bias"],
    "phrases_1.conv1d": ["phrases_1/conv1d.kernel", "phrases_1/conv1d.bias"],
    "phrases_2.conv1d": ["phrases_2/conv1d.kernel", "phrases_2/conv1d.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "vectors.embeddings": {"index": 18765, "output": 300},
    "phrases/conv1d.kernel": {"width": 3, "input": 300, "output": 100},
    "phrases/conv1d.bias": {"output": 100},
    "phrases_1/conv1d.kernel": {"width": 4, "input": 300, "output": 100},
    "phrases_1/conv1d.bias": {"output": 100},
    "phrases_2/conv1d.kernel": {"width": 5, "input": 300, "output": 100},
    "phrases_2/conv1d.bias": {"output": 100},
    "dense.kernel": {"input": 300, "output": 2},
    "dense.bias": {"output": 2},
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
