"""Losses in PyTorch, by Keras's formulas."""

# A subclass defines `values`, and arguments are named as the module names them.
# pyright: reportCallIssue=false, reportIncompatibleMethodOverride=false

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Loss(nn.Module):
    """The mean of some values of every example, or with `reduction` at "none" the values."""

    reduction = "mean"

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = self.values(outputs, targets)
        return values.mean() if self.reduction == "mean" else values


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy along the last axis, where nn.CrossEntropyLoss takes the second."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            targets = targets.movedim(-1, 1)
        return super().forward(outputs.movedim(-1, 1), targets)


class MaskedCrossEntropy(Loss):
    """Cross-entropy along the last axis, whose mean is over the targets that are not ignored.

    Without such a target it is 0.
    """

    def __init__(self, ignore_index: int, label_smoothing: float = 0.0) -> None:
        super().__init__()
        self.ignore_index = ignore_index
        self.label_smoothing = label_smoothing

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = F.cross_entropy(
            outputs.movedim(-1, 1),
            targets,
            ignore_index=self.ignore_index,
            reduction="none",
            label_smoothing=self.label_smoothing,
        )
        count = (targets != self.ignore_index).sum().clamp(min=1)
        return values * (values.numel() / count)


class SmoothedBinaryCrossEntropy(nn.BCEWithLogitsLoss):
    """Binary cross-entropy of targets that are moved towards 1/2."""

    def __init__(self, label_smoothing: float) -> None:
        super().__init__()
        self.label_smoothing = label_smoothing

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        smoothed = (1 - self.label_smoothing) * targets + self.label_smoothing / 2
        return super().forward(outputs, smoothed)


class KLDivergence(Loss):
    """sum of t log(t / y), both within 1e-7 and 1."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        y, t = outputs.clamp(1e-7, 1), targets.clamp(1e-7, 1)
        return (t * torch.log(t / y)).sum(-1)


class Hinge(Loss):
    """mean of max(1 - t y, 0) to a power, for targets -1 and 1; zeros are taken as -1."""

    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        signs = torch.where(targets == 0, -1, targets)
        return F.relu(1 - signs * outputs).pow(self.power).mean(-1)


class CategoricalHinge(Loss):
    """max(largest wrong output - the right one + 1, 0)."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        right = (targets * outputs).sum(-1)
        wrong = ((1 - targets) * outputs).amax(-1)
        return F.relu(wrong - right + 1)


class CosineSimilarity(Loss):
    """-cos of the angle between outputs and targets."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        y, t = (F.normalize(vectors, dim=-1, eps=1e-7) for vectors in (outputs, targets))
        return -(y * t).sum(-1)
