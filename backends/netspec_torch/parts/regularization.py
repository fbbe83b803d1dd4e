"""Random noise in PyTorch, by Keras's formulas."""

import torch
from torch import Tensor


def gaussian_noise(x: Tensor, stddev: float, training: bool) -> Tensor:
    """Noise of mean 0 is added in training."""
    return x + stddev * torch.randn_like(x) if training else x


def gaussian_dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """Noise of mean 1 and the deviation of dropout's masks is multiplied in training."""
    stddev = (rate / (1 - rate)) ** 0.5
    return x * (1 + stddev * torch.randn_like(x)) if training else x
