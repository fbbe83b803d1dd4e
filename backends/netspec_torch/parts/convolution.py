"""Separable convolutions in PyTorch, by Keras's formulas."""

from torch import Tensor, nn


class SeparableConv1d(nn.Module):
    """A convolution of every channel by itself, and one of size 1 that mixes them."""

    def __init__(self, inputs, outputs, kernel_size, multiplier=1, bias=True, **window) -> None:
        super().__init__()
        channels = inputs * multiplier
        self.depthwise = nn.Conv1d(
            inputs, channels, kernel_size, groups=inputs, bias=False, **window
        )
        self.pointwise = nn.Conv1d(channels, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))


class SeparableConv2d(nn.Module):
    """A convolution of every channel by itself, and one of size 1 that mixes them."""

    def __init__(self, inputs, outputs, kernel_size, multiplier=1, bias=True, **window) -> None:
        super().__init__()
        channels = inputs * multiplier
        self.depthwise = nn.Conv2d(
            inputs, channels, kernel_size, groups=inputs, bias=False, **window
        )
        self.pointwise = nn.Conv2d(channels, outputs, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        return self.pointwise(self.depthwise(x))
