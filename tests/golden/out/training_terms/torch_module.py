"""The network training_terms in PyTorch.

Written by netspec; runs without it.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Lion(torch.optim.Optimizer):
    """Lion: every value moves by the learning rate, in one direction or the other."""

    def __init__(
        self,
        parameters,
        learning_rate,
        beta_1,
        beta_2,
        weight_decay,
        clipnorm,
        ema_momentum,
        ema_overwrite_frequency,
    ) -> None:
        super().__init__(parameters, {"lr": learning_rate, "steps": 0})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        for w in self.param_groups[0]["params"]:
            self.state[w]["momentum"] = torch.zeros_like(w)
            self.state[w]["average"] = torch.zeros_like(w)

    def numbers(self) -> list:
        """What changes from step to step: the numbers that the next update takes."""
        (group,) = self.param_groups
        group["steps"] += 1
        lr = group["lr"]
        return [lr, 1 - lr * self.weight_decay]

    @torch.no_grad()
    def update(self, rate, decay) -> None:
        """Move the weights; each number may be a tensor of one value."""
        (group,) = self.param_groups
        weights = [w for w in group["params"] if w.grad is not None]
        gradients = [w.grad for w in weights]
        momentum = [self.state[w]["momentum"] for w in weights]
        norms = torch._foreach_clamp_min(torch._foreach_norm(gradients), self.clipnorm)
        torch._foreach_mul_(gradients, self.clipnorm)
        torch._foreach_div_(gradients, norms)
        torch._foreach_mul_(weights, decay)
        directions = torch._foreach_mul(momentum, self.beta_1)
        torch._foreach_add_(directions, gradients, alpha=1 - self.beta_1)
        torch._foreach_sign_(directions)
        torch._foreach_mul_(directions, rate)
        torch._foreach_sub_(weights, directions)
        torch._foreach_lerp_(momentum, gradients, 1 - self.beta_2)

    @torch.no_grad()
    def step(self) -> None:
        (group,) = self.param_groups
        weights = [w for w in group["params"] if w.grad is not None]
        average = [self.state[w]["average"] for w in weights]
        self.update(*self.numbers())
        t = group["steps"]
        torch._foreach_lerp_(average, weights, 1 - self.ema_momentum if t > 1 else 1)
        if t % self.ema_overwrite_frequency == 0:
            torch._foreach_copy_(weights, average)


class TrainingTerms(nn.Module):
    """Inputs (6), channels last to probabilities (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.dense = nn.Linear(6, 5)
        self.dense_1 = nn.Linear(5, 3)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        nn.init.xavier_uniform_(self.dense_1.weight)
        nn.init.zeros_(self.dense_1.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = self.dense(x)  # (5)
        x = F.relu(x)  # (5)
        return self.dense_1(x)  # (3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> TrainingTerms:
    return TrainingTerms()


def learning_rate(step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step; the first step is 0."""
    total_steps = 10 * steps_per_epoch
    # The last step of every phase, and how far the rate moves within it.
    phases = [
        (0.3 * total_steps - 1, 0.009000000000000001),
        (total_steps - 1, -0.0099999),
    ]
    begin, rate = 0.0, 0.001
    for end, change in phases:
        p = min(max((step - begin) / (end - begin), 0), 1)
        p = (1 - math.cos(math.pi * p)) / 2
        begin, rate = end, rate + change * p
    return rate


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Before every step, `optimizer.param_groups[0]["lr"]` becomes its rate."""
    return Lion(
        model.parameters(),
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.99,
        weight_decay=0.01,
        clipnorm=1.0,
        ema_momentum=0.99,
        ema_overwrite_frequency=100,
    )


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "dense_1.kernel": ("dense_1.weight", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "dense.kernel": {"input": 6, "output": 5},
    "dense.bias": {"output": 5},
    "dense_1.kernel": {"input": 5, "output": 3},
    "dense_1.bias": {"output": 3},
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
    print(TrainingTerms())
