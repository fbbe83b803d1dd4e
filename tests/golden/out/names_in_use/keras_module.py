"""The network names_in_use as a Keras model.

Written by netspec; runs without it.
"""

import keras
from keras import layers


def build_model(logits: bool = False) -> keras.Model:
    """Inputs (6, 6, 1) to probabilities (2).

    With `logits` the final softmax is left off, as a loss on logits wants it.
    """
    inputs = keras.Input((6, 6, 1), name="input")
    x = layers.Conv2D(2, 3, padding="same", name="train")(inputs)  # (6, 6, 2)
    x = layers.BatchNormalization(name="forward")(x)  # (6, 6, 2)
    x = layers.Cropping2D(((0, 2), (0, 2)), name="forward.needed")(x)  # (4, 4, 2)
    x = layers.Conv2D(2, 2, strides=2, padding="same", name="lambda")(x)  # (2, 2, 2)
    x = layers.MaxPooling2D(2, name="x")(x)  # (1, 1, 2)
    x = layers.Activation("relu", name="lambda.activation")(x)  # (1, 1, 2)
    x = layers.Flatten(name="layers")(x)  # (2)
    x = layers.Dense(4, name="class_")(x)  # (4)
    x = layers.Dense(4, name="class")(x)  # (4)
    x = layers.BatchNormalization(name="state_dict")(x)  # (4)
    x = layers.Dense(4, name="logits")(x)  # (4)
    x = layers.Dense(4, name="weights")(x)  # (4)
    x = layers.Dense(4, name="T_destination")(x)  # (4)
    x = layers.Dense(4, name="F")(x)  # (4)
    x = layers.Dropout(0.5, name="None")(x)  # (4)
    x = layers.Dense(4, name="keras")(x)  # (4)
    x = layers.Dense(
        4,
        name="a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x",
    )(x)  # (4)
    x = layers.Dense(2, activation=None if logits else "softmax", name="softmax")(x)  # (2)
    return keras.Model(inputs, x, name="names_in_use")


# The weights of every layer in Keras's order, by their keys in a weights file.
WEIGHTS = {
    "train": ["train.kernel", "train.bias"],
    "forward": ["forward.gamma", "forward.beta", "forward.moving_mean", "forward.moving_variance"],
    "lambda": ["lambda.kernel", "lambda.bias"],
    "class_": ["class_.kernel", "class_.bias"],
    "class": ["class.kernel", "class.bias"],
    "state_dict": [
        "state_dict.gamma",
        "state_dict.beta",
        "state_dict.moving_mean",
        "state_dict.moving_variance",
    ],
    "logits": ["logits.kernel", "logits.bias"],
    "weights": ["weights.kernel", "weights.bias"],
    "T_destination": ["T_destination.kernel", "T_destination.bias"],
    "F": ["F.kernel", "F.bias"],
    "keras": ["keras.kernel", "keras.bias"],
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x": [
        "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.kernel",
        "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias",
    ],
    "softmax": ["softmax.kernel", "softmax.bias"],
}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors")."""
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])


if __name__ == "__main__":
    build_model().summary()
