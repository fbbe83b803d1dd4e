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


# What the loss of every output counts for.
LOSS_WEIGHTS = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25]


def build_loss() -> list[keras.losses.Loss]:
    """The loss of every output, of cross-entropies on logits."""
    return [
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        SmoothedSparseCategoricalCrossentropy(0.1),
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


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
