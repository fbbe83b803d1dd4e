"""The network imdb_lstm as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (200) to probabilities (1).

    With `logits` the final sigmoid is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((200,), name="input")
    x = layers.Embedding(20000, 128, name="embedding")(inputs)  # (200, 128)
    x = layers.Bidirectional(
        layers.LSTM(64, return_sequences=True),
        name="bidirectional",
    )(x)  # (200, 128)
    x = layers.Bidirectional(layers.LSTM(64), name="bidirectional_1")(x)  # (128)
    x = layers.Dense(1, activation=None if logits else "sigmoid", name="dense")(x)  # (1)
    return keras.Model(inputs, x, name="imdb_lstm")


def build_optimizer() -> keras.optimizers.Optimizer:
    return keras.optimizers.Adam(learning_rate=0.001)


def build_loss() -> keras.losses.Loss:
    """The loss on logits."""
    return keras.losses.BinaryCrossentropy(from_logits=True)


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "embedding": ["embedding.embeddings"],
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
    "dense": ["dense.kernel", "dense.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
