"""The network mnist_fast in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Adam(torch.optim.Optimizer):
    """Adam by PyTorch's kernel, with Keras's epsilon, which is outside the bias correction."""

    def __init__(self, parameters, learning_rate, beta_1, beta_2, epsilon) -> None:
        super().__init__(parameters, {"lr": learning_rate, "steps": 0})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        for w in self.param_groups[0]["params"]:
            self.state[w]["exp_avg"] = torch.zeros_like(w)
            self.state[w]["exp_avg_sq"] = torch.zeros_like(w)

    def numbers(self) -> list:
        """What changes from step to step: the numbers that the next update takes."""
        (group,) = self.param_groups
        group["steps"] += 1
        t = group["steps"]
        lr = group["lr"]
        return [lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t)]

    @torch.no_grad()
    def update(self, rate) -> None:
        """Move the weights; each number may be a tensor of one value."""
        (group,) = self.param_groups
        weights = [w for w in group["params"] if w.grad is not None]
        gradients = [w.grad for w in weights]
        exp_avg = [self.state[w]["exp_avg"] for w in weights]
        exp_avg_sq = [self.state[w]["exp_avg_sq"] for w in weights]
        # The rate corrects the bias, of which the kernel finds none after endless steps.
        endless = weights[0].new_full((), torch.inf)
        torch._fused_adam_(
            weights,
            gradients,
            exp_avg,
            exp_avg_sq,
            [],
            [endless] * len(weights),
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=self.epsilon,
            amsgrad=False,
            maximize=False,
        )

    def step(self) -> None:
        self.update(*self.numbers())


class MnistFast(nn.Module):
    """Inputs (28, 28, 1), channels last, divided by 255, to probabilities (10)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(1, 32, 3)
        self.conv2d_1 = nn.Conv2d(32, 64, 3)
        self.conv2d_2 = nn.Conv2d(64, 64, 3)
        self.dense = nn.Linear(576, 64)
        self.dense_1 = nn.Linear(64, 10)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.orthogonal_(self.conv2d.weight, gain=1.0)
        nn.init.zeros_(self.conv2d.bias)
        nn.init.orthogonal_(self.conv2d_1.weight, gain=1.0)
        nn.init.zeros_(self.conv2d_1.bias)
        nn.init.orthogonal_(self.conv2d_2.weight, gain=1.0)
        nn.init.zeros_(self.conv2d_2.bias)
        nn.init.orthogonal_(self.dense.weight, gain=1.0)
        nn.init.zeros_(self.dense.bias)
        nn.init.orthogonal_(self.dense_1.weight, gain=1.0)
        nn.init.zeros_(self.dense_1.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (1, 28, 28)
        x = x[:, :, :-2, :-2]  # (1, 26, 26)
        x = self.conv2d(x)  # (32, 24, 24)
        x = F.max_pool2d(x, 2)  # (32, 12, 12)
        x = F.relu(x)  # (32, 12, 12)
        x = self.conv2d_1(x)  # (64, 10, 10)
        x = F.max_pool2d(x, 2)  # (64, 5, 5)
        x = F.relu(x)  # (64, 5, 5)
        x = self.conv2d_2(x)  # (64, 3, 3)
        x = F.relu(x)  # (64, 3, 3)
        x = x.permute(0, 2, 3, 1)  # (3, 3, 64)
        x = x.flatten(1)  # (576)
        x = self.dense(x)  # (64)
        x = F.relu(x)  # (64)
        return self.dense_1(x)  # (10)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> MnistFast:
    return MnistFast()


def learning_rate(step: int, steps_per_epoch: int) -> float:
    """The learning rate of a step; the first step is 0."""
    total_steps = 1 * steps_per_epoch
    # The last step of every phase, and how far the rate moves within it.
    phases = [
        (0.25 * total_steps - 1, 0.009600000000000001),
        (total_steps - 1, -0.00999996),
    ]
    begin, rate = 0.0, 0.0004
    for end, change in phases:
        p = min(max((step - begin) / (end - begin), 0), 1)
        begin, rate = end, rate + change * p
    return rate


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    """Before every step, `optimizer.param_groups[0]["lr"]` becomes its rate."""
    return Adam(model.parameters(), learning_rate=0.0004, beta_1=0.9, beta_2=0.98, epsilon=1e-07)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss(label_smoothing=0.1)


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "conv2d.kernel": ("conv2d.weight", (3, 2, 0, 1)),
    "conv2d.bias": ("conv2d.bias", (0,)),
    "conv2d_1.kernel": ("conv2d_1.weight", (3, 2, 0, 1)),
    "conv2d_1.bias": ("conv2d_1.bias", (0,)),
    "conv2d_2.kernel": ("conv2d_2.weight", (3, 2, 0, 1)),
    "conv2d_2.bias": ("conv2d_2.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "dense_1.kernel": ("dense_1.weight", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 3, "width": 3, "input": 1, "output": 32},
    "conv2d.bias": {"output": 32},
    "conv2d_1.kernel": {"height": 3, "width": 3, "input": 32, "output": 64},
    "conv2d_1.bias": {"output": 64},
    "conv2d_2.kernel": {"height": 3, "width": 3, "input": 64, "output": 64},
    "conv2d_2.bias": {"output": 64},
    "dense.kernel": {"input": 576, "output": 64},
    "dense.bias": {"output": 64},
    "dense_1.kernel": {"input": 64, "output": 10},
    "dense_1.bias": {"output": 10},
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
    print(MnistFast())
