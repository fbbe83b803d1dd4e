"""The network odd_windows in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def selu(x: Tensor) -> Tensor:
    """SELU, with the slope of the positive side at 0, as Keras has it."""
    negative = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x >= 0, x, negative)


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
        # With four axes, PyTorch 2.13 gives wrong gradients where some have size 1.
        return self(x.flatten(2)).reshape(x.shape).movedim(1, axis)


def average_pool2d_padded(x: Tensor, kernel_size, stride, padding) -> Tensor:
    """The mean of the real elements of every window; padding does not count."""
    real = F.pad(torch.ones_like(x[:1, :1]), padding)
    counts = F.avg_pool2d(real, kernel_size, stride)
    return F.avg_pool2d(F.pad(x, padding), kernel_size, stride) / counts


class SGD(torch.optim.Optimizer):
    """Gradient descent with Nesterov's momentum; Keras's velocity holds the learning rate."""

    def __init__(self, parameters, learning_rate, momentum) -> None:
        super().__init__(parameters, {"lr": learning_rate})
        self.momentum = momentum
        for w in self.param_groups[0]["params"]:
            self.state[w]["velocity"] = torch.zeros_like(w)

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
        velocity = [self.state[w]["velocity"] for w in weights]
        torch._foreach_mul_(gradients, rate)
        torch._foreach_mul_(velocity, self.momentum)
        torch._foreach_sub_(velocity, gradients)
        torch._foreach_add_(weights, velocity, alpha=self.momentum)
        torch._foreach_sub_(weights, gradients)

    def step(self) -> None:
        self.update(*self.numbers())


class OddWindows(nn.Module):
    """Inputs (11, 9, 4), channels last, divided by 127.5, to outputs (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(4, 8, 4, groups=2)
        self.conv2d_1 = nn.Conv2d(8, 8, 3, padding=(2, 1), dilation=(2, 1), bias=False)
        self.batch_normalization = BatchNormalization(11, momentum=0.99, epsilon=0.001, scale=False)
        self.batch_normalization_1 = BatchNormalization(
            5,
            momentum=0.9,
            epsilon=1e-05,
            center=False,
        )
        self.conv2d_2 = nn.Conv2d(8, 6, (2, 3), stride=(2, 1))
        self.conv2d_3 = nn.Conv2d(6, 12, (1, 3), dilation=(1, 2), groups=6)
        self.batch_normalization_2 = BatchNormalization(12, momentum=0.99, epsilon=0.001)
        self.dense = nn.Linear(12, 5)
        self.batch_normalization_3 = BatchNormalization(
            5,
            momentum=0.99,
            epsilon=0.001,
            scale=False,
            center=False,
        )
        self.dense_1 = nn.Linear(5, 3, bias=False)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.conv2d.weight)
        nn.init.zeros_(self.conv2d.bias)
        nn.init.xavier_uniform_(self.conv2d_1.weight)
        nn.init.zeros_(self.batch_normalization.beta)
        nn.init.zeros_(self.batch_normalization.moving_mean)
        nn.init.ones_(self.batch_normalization.moving_variance)
        nn.init.ones_(self.batch_normalization_1.gamma)
        nn.init.zeros_(self.batch_normalization_1.moving_mean)
        nn.init.ones_(self.batch_normalization_1.moving_variance)
        nn.init.xavier_uniform_(self.conv2d_2.weight)
        nn.init.zeros_(self.conv2d_2.bias)
        nn.init.xavier_uniform_(self.conv2d_3.weight)
        nn.init.zeros_(self.conv2d_3.bias)
        nn.init.ones_(self.batch_normalization_2.gamma)
        nn.init.zeros_(self.batch_normalization_2.beta)
        nn.init.zeros_(self.batch_normalization_2.moving_mean)
        nn.init.ones_(self.batch_normalization_2.moving_variance)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)
        nn.init.zeros_(self.batch_normalization_3.moving_mean)
        nn.init.ones_(self.batch_normalization_3.moving_variance)
        nn.init.xavier_uniform_(self.dense_1.weight)

    def forward(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (4, 11, 9)
        x = self.conv2d(F.pad(x, (1, 2, 1, 2)))  # (8, 11, 9)
        x = selu(x)  # (8, 11, 9)
        x = self.conv2d_1(x)  # (8, 11, 9)
        x = x.permute(0, 2, 3, 1)  # (11, 9, 8)
        x = self.batch_normalization.along(x, 1)  # (11, 9, 8)
        x = x.permute(0, 3, 1, 2)  # (8, 11, 9)
        x = F.avg_pool2d(x, 3, stride=1, padding=1, count_include_pad=False)  # (8, 11, 9)
        x = F.max_pool2d(
            F.pad(x, (0, 1, 1, 1), value=float("-inf")), (3, 2), stride=(2, 1)
        )  # (8, 6, 9)
        x = F.max_pool2d(x, 3, stride=1, padding=1)  # (8, 6, 9)
        x = average_pool2d_padded(x, 2, 2, (0, 1, 0, 0))  # (8, 3, 5)
        x = x.permute(0, 2, 3, 1)  # (3, 5, 8)
        x = self.batch_normalization_1.along(x, 2)  # (3, 5, 8)
        x = x * F.dropout(x.new_ones(len(x), 1, 5, 8), 0.3, self.training)  # (3, 5, 8)
        x = x.permute(0, 3, 1, 2)  # (8, 3, 5)
        x = self.conv2d_2(F.pad(x, (1, 1, 0, 1)))  # (6, 2, 5)
        x = torch.tanh(x)  # (6, 2, 5)
        x = F.avg_pool2d(x, (2, 1), stride=1)  # (6, 1, 5)
        x = self.conv2d_3(x)  # (12, 1, 1)
        x = self.batch_normalization_2(x)  # (12, 1, 1)
        x = x.mean((2, 3), keepdim=True)  # (12, 1, 1)
        x = x.permute(0, 2, 3, 1)  # (1, 1, 12)
        x = self.dense(x)  # (1, 1, 5)
        x = torch.log_softmax(x, dim=-1)  # (1, 1, 5)
        x = x.flatten(1)  # (5)
        x = self.batch_normalization_3(x)  # (5)
        x = F.dropout(x, 0.5, self.training)  # (5)
        return self.dense_1(x)  # (3)


def build_model() -> OddWindows:
    return OddWindows()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return SGD(model.parameters(), learning_rate=0.05, momentum=0.9)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "conv2d.kernel": ("conv2d.weight", (3, 2, 0, 1)),
    "conv2d.bias": ("conv2d.bias", (0,)),
    "conv2d_1.kernel": ("conv2d_1.weight", (3, 2, 0, 1)),
    "batch_normalization.beta": ("batch_normalization.beta", (0,)),
    "batch_normalization.moving_mean": ("batch_normalization.moving_mean", (0,)),
    "batch_normalization.moving_variance": ("batch_normalization.moving_variance", (0,)),
    "batch_normalization_1.gamma": ("batch_normalization_1.gamma", (0,)),
    "batch_normalization_1.moving_mean": ("batch_normalization_1.moving_mean", (0,)),
    "batch_normalization_1.moving_variance": ("batch_normalization_1.moving_variance", (0,)),
    "conv2d_2.kernel": ("conv2d_2.weight", (3, 2, 0, 1)),
    "conv2d_2.bias": ("conv2d_2.bias", (0,)),
    "conv2d_3.kernel": ("conv2d_3.weight", (3, 2, 0, 1)),
    "conv2d_3.bias": ("conv2d_3.bias", (0,)),
    "batch_normalization_2.gamma": ("batch_normalization_2.gamma", (0,)),
    "batch_normalization_2.beta": ("batch_normalization_2.beta", (0,)),
    "batch_normalization_2.moving_mean": ("batch_normalization_2.moving_mean", (0,)),
    "batch_normalization_2.moving_variance": ("batch_normalization_2.moving_variance", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "batch_normalization_3.moving_mean": ("batch_normalization_3.moving_mean", (0,)),
    "batch_normalization_3.moving_variance": ("batch_normalization_3.moving_variance", (0,)),
    "dense_1.kernel": ("dense_1.weight", (1, 0)),
}


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 4, "width": 4, "input": 2, "output": 8},
    "conv2d.bias": {"output": 8},
    "conv2d_1.kernel": {"height": 3, "width": 3, "input": 8, "output": 8},
    "batch_normalization.beta": {"output": 11},
    "batch_normalization.moving_mean": {"output": 11},
    "batch_normalization.moving_variance": {"output": 11},
    "batch_normalization_1.gamma": {"output": 5},
    "batch_normalization_1.moving_mean": {"output": 5},
    "batch_normalization_1.moving_variance": {"output": 5},
    "conv2d_2.kernel": {"height": 2, "width": 3, "input": 8, "output": 6},
    "conv2d_2.bias": {"output": 6},
    "conv2d_3.kernel": {"height": 1, "width": 3, "input": 1, "output": 12},
    "conv2d_3.bias": {"output": 12},
    "batch_normalization_2.gamma": {"output": 12},
    "batch_normalization_2.beta": {"output": 12},
    "batch_normalization_2.moving_mean": {"output": 12},
    "batch_normalization_2.moving_variance": {"output": 12},
    "dense.kernel": {"input": 12, "output": 5},
    "dense.bias": {"output": 5},
    "batch_normalization_3.moving_mean": {"output": 5},
    "batch_normalization_3.moving_variance": {"output": 5},
    "dense_1.kernel": {"input": 5, "output": 3},
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
    print(OddWindows())
