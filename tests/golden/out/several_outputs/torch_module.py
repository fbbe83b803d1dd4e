"""The network several_outputs in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class SGD(torch.optim.Optimizer):
    """Gradient descent."""

    def __init__(self, parameters, learning_rate) -> None:
        super().__init__(parameters, {"lr": learning_rate})

    def numbers(self) -> list:
        """What changes from step to step: the numbers that the next update takes."""
        (group,) = self.param_groups
        lr = group["lr"]
        return [lr]

    @torch.no_grad()
    def update(self, rate) -> None:
        """Move the weights; each number may be a tensor of one value."""
        (group,) = self.param_groups
        weights = [w for w in group["params"] if w.grad is not None]
        gradients = [w.grad for w in weights]
        torch._foreach_mul_(gradients, rate)
        torch._foreach_sub_(weights, gradients)

    def step(self) -> None:
        self.update(*self.numbers())


class Loss(nn.Module):
    """The mean of some values of every example, or with `reduction` at "none" the values."""

    reduction = "mean"

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        values = self.values(outputs, targets)
        return values.mean() if self.reduction == "mean" else values


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


class Hinge(Loss):
    """mean of max(1 - t y, 0) to a power, for targets -1 and 1; zeros are taken as -1."""

    def __init__(self, power: int) -> None:
        super().__init__()
        self.power = power

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        signs = torch.where(targets == 0, -1, targets)
        return F.relu(1 - signs * outputs).pow(self.power).mean(-1)


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy along the last axis, where nn.CrossEntropyLoss takes the second."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            targets = targets.movedim(-1, 1)
        return super().forward(outputs.movedim(-1, 1), targets)


class KLDivergence(Loss):
    """sum of t log(t / y), both within 1e-7 and 1."""

    def values(self, outputs: Tensor, targets: Tensor) -> Tensor:
        y, t = outputs.clamp(1e-7, 1), targets.clamp(1e-7, 1)
        return (t * torch.log(t / y)).sum(-1)


class SeveralOutputs(nn.Module):
    """2 inputs, channels last to 7 outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Conv2d(2, 4, 3)
        self.kind = nn.Linear(16, 3)
        self.smooth = nn.Linear(16, 3)
        self.yes = nn.Linear(16, 1)
        self.place = nn.Linear(16, 2)
        self.side = nn.Linear(16, 1)
        self.step = nn.Linear(3, 4)
        self.share = nn.Linear(3, 2)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.features.weight)
        nn.init.zeros_(self.features.bias)
        nn.init.xavier_uniform_(self.kind.weight)
        nn.init.zeros_(self.kind.bias)
        nn.init.xavier_uniform_(self.smooth.weight)
        nn.init.zeros_(self.smooth.bias)
        nn.init.xavier_uniform_(self.yes.weight)
        nn.init.zeros_(self.yes.bias)
        nn.init.xavier_uniform_(self.place.weight)
        nn.init.zeros_(self.place.bias)
        nn.init.xavier_uniform_(self.side.weight)
        nn.init.zeros_(self.side.bias)
        nn.init.xavier_uniform_(self.step.weight)
        nn.init.zeros_(self.step.bias)
        nn.init.xavier_uniform_(self.share.weight)
        nn.init.zeros_(self.share.bias)

    def logits(
        self,
        image: Tensor,
        words: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        x = image.permute(0, 3, 1, 2)  # (2, 4, 4)
        x = self.features(x)  # (4, 2, 2)
        x = F.relu(x)  # (4, 2, 2)
        x = x.permute(0, 2, 3, 1)  # (2, 2, 4)
        flat = x.flatten(1)  # (16)
        kind = self.kind(flat)  # (3)
        smooth = self.smooth(flat)  # (3)
        yes = self.yes(flat)  # (1)
        place = self.place(flat)  # (2)
        x = self.side(flat)  # (1)
        side_activation = torch.tanh(x)  # (1)
        step = self.step(words)  # (5, 4)
        x = self.share(words)  # (5, 2)
        x = torch.softmax(x, dim=-1)  # (5, 2)
        return kind, smooth, yes, place, side_activation, step, x

    def forward(
        self,
        image: Tensor,
        words: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor]:
        kind, smooth, yes, place, side_activation, step, x = self.logits(image, words)
        return (
            torch.softmax(kind, dim=-1),
            torch.softmax(smooth, dim=-1),
            torch.sigmoid(yes),
            place,
            side_activation,
            torch.softmax(step, dim=-1),
            x,
        )


def build_model() -> SeveralOutputs:
    return SeveralOutputs()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return SGD(model.parameters(), learning_rate=0.01)


# What the loss of every output counts for.
LOSS_WEIGHTS = [2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.25]


def build_loss() -> list[nn.Module]:
    """The loss of every output, of cross-entropies on logits."""
    return [
        MaskedCrossEntropy(255),
        MaskedCrossEntropy(-1, label_smoothing=0.1),
        SmoothedBinaryCrossEntropy(0.2),
        nn.HuberLoss(delta=2.0),
        Hinge(power=2),
        CrossEntropy(),
        KLDivergence(),
    ]


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "features.kernel": ("features.weight", (3, 2, 0, 1)),
    "features.bias": ("features.bias", (0,)),
    "kind.kernel": ("kind.weight", (1, 0)),
    "kind.bias": ("kind.bias", (0,)),
    "smooth.kernel": ("smooth.weight", (1, 0)),
    "smooth.bias": ("smooth.bias", (0,)),
    "yes.kernel": ("yes.weight", (1, 0)),
    "yes.bias": ("yes.bias", (0,)),
    "place.kernel": ("place.weight", (1, 0)),
    "place.bias": ("place.bias", (0,)),
    "side.kernel": ("side.weight", (1, 0)),
    "side.bias": ("side.bias", (0,)),
    "step.kernel": ("step.weight", (1, 0)),
    "step.bias": ("step.bias", (0,)),
    "share.kernel": ("share.weight", (1, 0)),
    "share.bias": ("share.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "features.kernel": {"height": 3, "width": 3, "input": 2, "output": 4},
    "features.bias": {"output": 4},
    "kind.kernel": {"input": 16, "output": 3},
    "kind.bias": {"output": 3},
    "smooth.kernel": {"input": 16, "output": 3},
    "smooth.bias": {"output": 3},
    "yes.kernel": {"input": 16, "output": 1},
    "yes.bias": {"output": 1},
    "place.kernel": {"input": 16, "output": 2},
    "place.bias": {"output": 2},
    "side.kernel": {"input": 16, "output": 1},
    "side.bias": {"output": 1},
    "step.kernel": {"input": 3, "output": 4},
    "step.bias": {"output": 4},
    "share.kernel": {"input": 3, "output": 2},
    "share.bias": {"output": 2},
}


def find_mismatch(
    weights: dict[str, object], axes: dict[str, dict[str, int]]
) -> tuple[str, str] | None:
    """The first weight that does not fit and why, and what to do; None where all fit.

    Weights are float32 arrays by key. `axes` has the size of every axis by its role, by key.
    """
    retrained = "use the weights with the network that they were trained with"
    for key, sizes in axes.items():
        if key not in weights:
            return f"there is no weight {key}", retrained
        value, expected = weights[key], tuple(sizes.values())
        shape, dtype = getattr(value, "shape", None), getattr(value, "dtype", None)
        if shape is None or dtype is None:
            return f"{key} is not an array", "convert it to an array of float32"
        if tuple(shape) != expected:
            named = ", ".join(f"{role} {size}" for role, size in sizes.items())
            fault = f"{key} has the shape {tuple(shape)}, not ({named})"
            turned = sorted(shape) == sorted(expected)
            return fault, "transpose its axes to this order" if turned else retrained
        if str(dtype).removeprefix("torch.") != "float32":
            return f"{key} is {dtype}, not float32", "convert it to float32"
        low, high = value.min(), value.max()
        if not float("-inf") < low <= high < float("inf"):
            return f"{key} has values that are not finite", "take weights of an earlier epoch"
    unknown = [key for key in weights if key not in axes]
    return (f"{unknown[0]} is not a weight of the network", retrained) if unknown else None


def set_weights(model: nn.Module, weights: dict) -> None:
    """Fill the model from a weights file: safetensors.torch.load_file("weights.safetensors").

    Raises ValueError where the weights are not the ones of the network.
    """
    if mismatch := find_mismatch(weights, AXES):
        raise ValueError(": ".join(mismatch))
    tensors = model.state_dict()
    for key, (name, axes) in WEIGHTS.items():
        value = torch.as_tensor(weights[key]).permute(axes)
        tensors[name].copy_(value.reshape(tensors[name].shape))


if __name__ == "__main__":
    print(SeveralOutputs())
