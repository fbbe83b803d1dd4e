"""Pooling in PyTorch, by Keras's formulas."""

import torch
import torch.nn.functional as F
from torch import Tensor


def average_pool1d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real elements of every window; padding does not count."""
    real = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool1d(real, kernel_size, stride)
    return F.avg_pool1d(F.pad(x, padding), kernel_size, stride) / counts


def average_pool2d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real elements of every window; padding does not count."""
    real = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool2d(real, kernel_size, stride)
    return F.avg_pool2d(F.pad(x, padding), kernel_size, stride) / counts


def average_pool3d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real elements of every window; padding does not count."""
    real = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool3d(real, kernel_size, stride)
    return F.avg_pool3d(F.pad(x, padding), kernel_size, stride) / counts
