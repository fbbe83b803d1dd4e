"""Rescaling and normalization of data in PyTorch, by Keras's formulas."""

# Buffers are tensors, which PyTorch does not declare.
# pyright: reportOperatorIssue=false

import torch
from torch import Tensor, nn


class Rescaling(nn.Module):
    """x * scale + offset, with numbers that run along an axis."""

    def __init__(self, scale: list[float], offset: list[float], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("scale", torch.tensor(scale).view(shape), persistent=False)
        self.register_buffer("offset", torch.tensor(offset).view(shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return x * self.scale + self.offset


class Normalization(nn.Module):
    """(x - mean) / deviation, with numbers that run along an axis."""

    def __init__(self, mean: list[float], deviation: list[float], shape: tuple[int, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(shape), persistent=False)
        self.register_buffer("deviation", torch.tensor(deviation).view(shape), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.deviation
