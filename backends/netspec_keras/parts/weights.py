"""The initial values of a model from a weights file.

`AXES`, `WEIGHTS` and `find_mismatch` are of the module that contains `set_weights`.
"""

import keras

from netspec.numerics.mismatch import find_mismatch

AXES: dict[str, dict[str, int]] = {}
WEIGHTS: dict[str, list[str]] = {}


def set_weights(model: keras.Model, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.numpy.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    for name, keys in WEIGHTS.items():
        model.get_layer(name).set_weights([weights[key] for key in keys])
