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


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
