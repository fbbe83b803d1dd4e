"""Merging of tensors in PyTorch, by Keras's formulas."""

import torch
from torch import Tensor


def maximum(*inputs: Tensor) -> Tensor:
    """The largest value; where some are equal, the first has the gradient, as in TensorFlow."""
    y, *others = inputs
    for x in others:
        y = torch.where(y >= x, y, x)
    return y


def minimum(*inputs: Tensor) -> Tensor:
    """The smallest value; where some are equal, the first has the gradient, as in TensorFlow."""
    y, *others = inputs
    for x in others:
        y = torch.where(y <= x, y, x)
    return y
