"""The network sequences as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (6, 5), divided by 2, to probabilities (3).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((6, 5), name="input")
    x = layers.LSTM(
        8,
        dropout=0.2,
        return_sequences=True,
        bias_initializer="lecun_uniform",
        name="lstm",
    )(inputs)  # (6, 8)
    x = layers.GRU(6, return_sequences=True, go_backwards=True, name="gru")(x)  # (6, 6)
    x = layers.GRU(
        6,
        activation="selu",
        reset_after=False,
        return_sequences=True,
        name="gru_1",
    )(x)  # (6, 6)
    x = layers.LSTM(
        4,
        recurrent_activation="hard_sigmoid",
        unit_forget_bias=False,
        recurrent_dropout=0.1,
        return_sequences=True,
        name="lstm_1",
    )(x)  # (6, 4)
    x = layers.SimpleRNN(
        4,
        activation="leaky_relu",
        use_bias=False,
        return_sequences=True,
        name="simple_rnn",
    )(x)  # (6, 4)
    x = layers.SimpleRNN(
        4,
        activation="relu",
        return_sequences=True,
        name="simple_rnn_1",
    )(x)  # (6, 4)
    x = layers.GRU(4, activation="softmax", return_sequences=True, name="gru_2")(x)  # (6, 4)
    x = layers.Bidirectional(
        layers.LSTM(3, return_sequences=True, kernel_regularizer=keras.regularizers.L2()),
        name="bidirectional",
    )(x)  # (6, 6)
    x = layers.Bidirectional(
        layers.GRU(3, dropout=0.1, return_sequences=True),
        merge_mode="ave",
        name="bidirectional_1",
    )(x)  # (6, 3)
    x = layers.TimeDistributed(
        layers.Dense(6, activation="relu"),
        name="time_distributed",
    )(x)  # (6, 6)
    x = layers.TimeDistributed(layers.Flatten(), name="time_distributed_1")(x)  # (6, 6)
    x = layers.SimpleRNN(5, recurrent_initializer="glorot_uniform", name="simple_rnn_2")(x)  # (5)
    x = layers.Dense(3, activation=None if logits else "softmax", name="dense")(x)  # (3)
    return keras.Model(inputs, x, name="sequences")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.SparseCategoricalCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "lstm": ["lstm.kernel", "lstm.recurrent_kernel", "lstm.bias"],
    "gru": ["gru.kernel", "gru.recurrent_kernel", "gru.bias"],
    "gru_1": ["gru_1.kernel", "gru_1.recurrent_kernel", "gru_1.bias"],
    "lstm_1": ["lstm_1.kernel", "lstm_1.recurrent_kernel", "lstm_1.bias"],
    "simple_rnn": ["simple_rnn.kernel", "simple_rnn.recurrent_kernel"],
    "simple_rnn_1": ["simple_rnn_1.kernel", "simple_rnn_1.recurrent_kernel", "simple_rnn_1.bias"],
    "gru_2": ["gru_2.kernel", "gru_2.recurrent_kernel", "gru_2.bias"],
    "bidirectional": [
        "bidirectional.forward.kernel",
        "bidirectional.forward.recurrent_kernel",
        "bidirectional.forward.bias",
        "bidirectional.backward.kernel",
        "bidirectional.backward.recurrent_kernel",
        "bidirectional.backward.bias",
    ],
    "bidirectional_1": [
        "bidirectional_1.forward.kernel",
        "bidirectional_1.forward.recurrent_kernel",
        "bidirectional_1.forward.bias",
        "bidirectional_1.backward.kernel",
        "bidirectional_1.backward.recurrent_kernel",
        "bidirectional_1.backward.bias",
    ],
    "time_distributed": ["time_distributed.kernel", "time_distributed.bias"],
    "simple_rnn_2": ["simple_rnn_2.kernel", "simple_rnn_2.recurrent_kernel", "simple_rnn_2.bias"],
    "dense": ["dense.kernel", "dense.bias"],
}


# The axes of every weight in a weights file.
AXES = {
    "lstm.kernel": {"input": 5, "output": 32},
    "lstm.recurrent_kernel": {"input": 8, "output": 32},
    "lstm.bias": {"output": 32},
    "gru.kernel": {"input": 8, "output": 18},
    "gru.recurrent_kernel": {"input": 6, "output": 18},
    "gru.bias": {"side": 2, "output": 18},
    "gru_1.kernel": {"input": 6, "output": 18},
    "gru_1.recurrent_kernel": {"input": 6, "output": 18},
    "gru_1.bias": {"output": 18},
    "lstm_1.kernel": {"input": 6, "output": 16},
    "lstm_1.recurrent_kernel": {"input": 4, "output": 16},
    "lstm_1.bias": {"output": 16},
    "simple_rnn.kernel": {"input": 4, "output": 4},
    "simple_rnn.recurrent_kernel": {"input": 4, "output": 4},
    "simple_rnn_1.kernel": {"input": 4, "output": 4},
    "simple_rnn_1.recurrent_kernel": {"input": 4, "output": 4},
    "simple_rnn_1.bias": {"output": 4},
    "gru_2.kernel": {"input": 4, "output": 12},
    "gru_2.recurrent_kernel": {"input": 4, "output": 12},
    "gru_2.bias": {"side": 2, "output": 12},
    "bidirectional.forward.kernel": {"input": 4, "output": 12},
    "bidirectional.forward.recurrent_kernel": {"input": 3, "output": 12},
    "bidirectional.forward.bias": {"output": 12},
    "bidirectional.backward.kernel": {"input": 4, "output": 12},
    "bidirectional.backward.recurrent_kernel": {"input": 3, "output": 12},
    "bidirectional.backward.bias": {"output": 12},
    "bidirectional_1.forward.kernel": {"input": 6, "output": 9},
    "bidirectional_1.forward.recurrent_kernel": {"input": 3, "output": 9},
    "bidirectional_1.forward.bias": {"side": 2, "output": 9},
    "bidirectional_1.backward.kernel": {"input": 6, "output": 9},
    "bidirectional_1.backward.recurrent_kernel": {"input": 3, "output": 9},
    "bidirectional_1.backward.bias": {"side": 2, "output": 9},
    "time_distributed.kernel": {"input": 3, "output": 6},
    "time_distributed.bias": {"output": 6},
    "simple_rnn_2.kernel": {"input": 6, "output": 5},
    "simple_rnn_2.recurrent_kernel": {"input": 5, "output": 5},
    "simple_rnn_2.bias": {"output": 5},
    "dense.kernel": {"input": 5, "output": 3},
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
