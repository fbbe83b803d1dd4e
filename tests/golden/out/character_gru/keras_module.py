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


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
