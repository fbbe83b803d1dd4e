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


# The axes of every weight in a weights file.
AXES = {
    "train.kernel": {"height": 3, "width": 3, "input": 1, "output": 2},
    "train.bias": {"output": 2},
    "forward.gamma": {"output": 2},
    "forward.beta": {"output": 2},
    "forward.moving_mean": {"output": 2},
    "forward.moving_variance": {"output": 2},
    "lambda.kernel": {"height": 2, "width": 2, "input": 2, "output": 2},
    "lambda.bias": {"output": 2},
    "class_.kernel": {"input": 2, "output": 4},
    "class_.bias": {"output": 4},
    "class.kernel": {"input": 4, "output": 4},
    "class.bias": {"output": 4},
    "state_dict.gamma": {"output": 4},
    "state_dict.beta": {"output": 4},
    "state_dict.moving_mean": {"output": 4},
    "state_dict.moving_variance": {"output": 4},
    "logits.kernel": {"input": 4, "output": 4},
    "logits.bias": {"output": 4},
    "weights.kernel": {"input": 4, "output": 4},
    "weights.bias": {"output": 4},
    "T_destination.kernel": {"input": 4, "output": 4},
    "T_destination.bias": {"output": 4},
    "F.kernel": {"input": 4, "output": 4},
    "F.bias": {"output": 4},
    "keras.kernel": {"input": 4, "output": 4},
    "keras.bias": {"output": 4},
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.kernel": {
        "input": 4,
        "output": 4,
    },
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias": {"output": 4},
    "softmax.kernel": {"input": 4, "output": 2},
    "softmax.bias": {"output": 2},
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
