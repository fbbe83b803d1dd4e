"""Layers around a layer in PyTorch, by Keras's formulas."""

import torch
from torch import Tensor, nn


class Bidirectional(nn.Module):
    """A recurrent layer, one like it from the last step to the first, and `merge` of their outputs.

    Without `return_sequences` each returns its last state.
    """

    def __init__(self, forward_layer, backward_layer, merge) -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self.merge = merge

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(*self.directions(x))

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, z = self.forward_layer(x), self.backward_layer(x.flip(1))
        return y, z.flip(1) if self.forward_layer.return_sequences else z


class FusedBidirectional(Bidirectional):
    """Both directions in one call of PyTorch's fused kernel."""

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer = self.forward_layer
        y, z = layer.run(x, [*layer.weights(), *self.backward_layer.weights()], 2).chunk(2, -1)
        return (y, z) if layer.return_sequences else (y[:, -1], z[:, 0])


def concatenated(y: Tensor, z: Tensor) -> Tensor:
    return torch.cat([y, z], -1)


def average(y: Tensor, z: Tensor) -> Tensor:
    return (y + z) / 2
