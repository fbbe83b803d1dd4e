"""Normalization in PyTorch, by Keras's formulas."""

# Buffers and optional parameters are tensors or None, which PyTorch does not declare.
# pyright: reportArgumentType=false, reportCallIssue=false

import torch
from torch import Tensor, nn


class BatchNormalization(nn.Module):
    """Keras's batch normalization of axis 1; its moving variance is the biased one."""

    def __init__(
        self,
        size: int,
        momentum: float,
        epsilon: float,
        scale: bool = True,
        center: bool = True,
        trainable: bool = True,
    ) -> None:
        super().__init__()
        self.momentum = momentum
        self.epsilon = epsilon
        self.trainable = trainable
        self.gamma = nn.Parameter(torch.ones(size)) if scale else None
        self.beta = nn.Parameter(torch.zeros(size)) if center else None
        self.register_buffer("moving_mean", torch.zeros(size))
        self.register_buffer("moving_variance", torch.ones(size))

    def forward(self, x: Tensor) -> Tensor:
        weights = self.gamma, self.beta
        if not (self.training and self.trainable):
            moving = self.moving_mean, self.moving_variance
            return torch.batch_norm(x, *weights, *moving, False, 0, self.epsilon, True)
        batch = torch.zeros_like(self.moving_mean), torch.ones_like(self.moving_variance)
        y = torch.batch_norm(x, *weights, *batch, True, 1, self.epsilon, True)
        mean, unbiased = batch
        n = x.numel() // x.shape[1]
        variance = unbiased * ((n - 1) / n) if n > 1 else torch.zeros_like(unbiased)
        self.moving_mean.lerp_(mean, 1 - self.momentum)
        self.moving_variance.lerp_(variance, 1 - self.momentum)
        return y

    def along(self, x: Tensor, axis: int) -> Tensor:
        """The same for another axis."""
        x = x.movedim(axis, 1)
        # With four axes, PyTorch 2.13 returns wrong gradients where some have size 1.
        return self(x.flatten(2)).reshape(x.shape).movedim(1, axis)


class LayerNormalization(nn.Module):
    """Layer normalization over any axes; the weights have size 1 along all others."""

    def __init__(
        self,
        dims: tuple[int, ...],
        shape: tuple[int, ...],
        epsilon: float,
        scale: bool = True,
        center: bool = True,
    ) -> None:
        super().__init__()
        self.dims = dims
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(shape)) if scale else None
        self.beta = nn.Parameter(torch.zeros(shape)) if center else None

    def forward(self, x: Tensor) -> Tensor:
        variance, mean = torch.var_mean(x, self.dims, correction=0, keepdim=True)
        y = (x - mean) * torch.rsqrt(variance + self.epsilon)
        y = y if self.gamma is None else y * self.gamma
        return y if self.beta is None else y + self.beta


class GroupNormalization(nn.Module):
    """Keras's group normalization of axis 1, which may lack a weight."""

    def __init__(
        self,
        groups: int,
        size: int,
        epsilon: float,
        scale: bool = True,
        center: bool = True,
    ) -> None:
        super().__init__()
        self.groups = groups
        self.epsilon = epsilon
        self.gamma = nn.Parameter(torch.ones(size)) if scale else None
        self.beta = nn.Parameter(torch.zeros(size)) if center else None

    def forward(self, x: Tensor) -> Tensor:
        # PyTorch 2.13 has no gradient of a beta without a gamma.
        y = torch.group_norm(x, self.groups, self.gamma, eps=self.epsilon)
        return y if self.beta is None else y + self.beta.reshape(-1, *[1] * (x.dim() - 2))
