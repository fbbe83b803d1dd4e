"""Layers around a layer, by their definitions."""

from __future__ import annotations

import numpy as np

from netspec.language.layers.wrapping import Bidirectional, TimeDistributed
from netspec_numpy.layers.base import Own, Values, compute


@compute.register
def _(layer: Bidirectional, w: Own, training: bool, x: Values) -> Values:
    def weights(direction: str) -> Own:
        return {
            name.removeprefix(direction): value
            for name, value in w.items()
            if name.startswith(direction)
        }

    back = layer.layer.model_copy(update={"go_backwards": True})
    y = compute(layer.layer, weights("forward."), training, x)
    z = compute(back, weights("backward."), training, x)
    if back.return_sequences:
        z = z[:, ::-1]
    match layer.merge_mode:
        case "concat":
            return np.concatenate([y, z], axis=-1)
        case "sum":
            return y + z
        case "mul":
            return y * z
        case "ave":
            return (y + z) / 2


@compute.register
def _(layer: TimeDistributed, w: Own, training: bool, x: Values) -> Values:
    steps = [compute(layer.layer, w, training, x[:, step]) for step in range(x.shape[1])]
    return np.stack(steps, axis=1)
