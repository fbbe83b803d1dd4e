"""The initial values of a model from a weights file.

`AXES`, `WEIGHTS` and `find_mismatch` are of the module that contains `set_weights`.
"""

import torch
from torch import nn

from netspec.numerics.mismatch import find_mismatch

AXES: dict[str, dict[str, int]] = {}
WEIGHTS: dict[str, tuple[str, tuple[int, ...]]] = {}


def set_weights(model: nn.Module, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.torch.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    tensors = model.state_dict()
    for key, (name, axes) in WEIGHTS.items():
        value = torch.as_tensor(weights[key]).permute(axes)
        tensors[name].copy_(value.reshape(tensors[name].shape))
