"""Dense layers of an einsum, and activations in PyTorch, by Keras's formulas."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class EinsumDense(nn.Module):
    """An einsum of the input and a kernel, and a bias."""

    def __init__(
        self, equation: str, kernel: tuple[int, ...], bias: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.equation = equation
        self.kernel = nn.Parameter(torch.empty(kernel))
        self.bias = None if bias is None else nn.Parameter(torch.empty(bias))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.einsum(self.equation, x, self.kernel)
        return y if self.bias is None else y + self.bias


class PReLU(nn.Module):
    """Keras's parametric ReLU, whose slope at 0 is 0."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x) - self.alpha * F.relu(-x)


def selu(x: Tensor) -> Tensor:
    """SELU, with the slope of the positive side at 0, as Keras has it."""
    negative = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x >= 0, x, negative)


def sparsemax(x: Tensor) -> Tensor:
    """Keras 3.15's sparsemax of the last axis, whose threshold adds up the running sums."""
    ordered = x.sort(dim=-1, descending=True).values
    sums = ordered.cumsum(dim=-1)
    counts = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    support = ordered > (sums - 1) / counts
    total = sums.where(support, 0).sum(dim=-1, keepdim=True)
    return (x - (total - 1) / support.sum(dim=-1, keepdim=True)).clamp(min=0)
