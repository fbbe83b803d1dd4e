"""The network initial_values in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
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
        # With four axes, PyTorch 2.13 gives wrong gradients where some have size 1.
        return self(x.flatten(2)).reshape(x.shape).movedim(1, axis)


class Adam(torch.optim.Optimizer):
    """Adam by PyTorch's kernel, with Keras's epsilon, which stands outside the bias correction."""

    def __init__(self, parameters, learning_rate, beta_1, beta_2, epsilon) -> None:
        super().__init__(parameters, {"lr": learning_rate, "steps": 0})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        for w in self.param_groups[0]["params"]:
            self.state[w]["exp_avg"] = torch.zeros_like(w)
            self.state[w]["exp_avg_sq"] = torch.zeros_like(w)
            self.state[w]["max_exp_avg_sq"] = torch.zeros_like(w)

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
        max_exp_avg_sq = [self.state[w]["max_exp_avg_sq"] for w in weights]
        # The rate corrects the bias, of which the kernel finds none after endless steps.
        endless = weights[0].new_full((), torch.inf)
        torch._fused_adam_(
            weights,
            gradients,
            exp_avg,
            exp_avg_sq,
            max_exp_avg_sq,
            [endless] * len(weights),
            lr=rate,
            beta1=self.beta_1,
            beta2=self.beta_2,
            weight_decay=0.0,
            eps=self.epsilon,
            amsgrad=True,
            maximize=False,
        )

    def step(self) -> None:
        self.update(*self.numbers())


class InitialValues(nn.Module):
    """Inputs (5, 5, 2), channels last to probabilities (4)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv2d = nn.Conv2d(2, 4, 3, padding=1)
        self.conv2d_1 = nn.Conv2d(4, 4, 1)
        self.conv2d_2 = nn.Conv2d(4, 6, 2)
        self.conv2d_3 = nn.Conv2d(6, 4, 1)
        self.batch_normalization = BatchNormalization(4, momentum=0.99, epsilon=0.001)
        self.conv2d_4 = nn.Conv2d(4, 4, 2)
        self.dense = nn.Linear(36, 8)
        self.dense_1 = nn.Linear(8, 8)
        self.dense_2 = nn.Linear(8, 8)
        self.dense_3 = nn.Linear(8, 8)
        self.dense_4 = nn.Linear(8, 8)
        self.dense_5 = nn.Linear(8, 8)
        self.dense_6 = nn.Linear(8, 8)
        self.dense_7 = nn.Linear(8, 8)
        self.dense_8 = nn.Linear(8, 4)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.trunc_normal_(
            self.conv2d.weight,
            0.0,
            0.3789490781128521,
            -0.7578981562257042,
            0.7578981562257042,
        )
        nn.init.constant_(self.conv2d.bias, 0.1)
        nn.init.uniform_(self.conv2d_1.weight, -1.224744871391589, 1.224744871391589)
        nn.init.ones_(self.conv2d_1.bias)
        nn.init.orthogonal_(self.conv2d_2.weight, gain=0.5)
        nn.init.normal_(self.conv2d_2.bias, 0.0, 0.05)
        nn.init.trunc_normal_(
            self.conv2d_3.weight,
            0.0,
            0.46411593993728634,
            -0.9282318798745727,
            0.9282318798745727,
        )
        nn.init.uniform_(self.conv2d_3.bias, -0.8660254037844386, 0.8660254037844386)
        nn.init.uniform_(self.batch_normalization.gamma, 0.5, 1.5)
        nn.init.constant_(self.batch_normalization.beta, -0.5)
        nn.init.normal_(self.batch_normalization.moving_mean, 0.5, 0.1)
        nn.init.constant_(self.batch_normalization.moving_variance, 2.0)
        nn.init.uniform_(self.conv2d_4.weight, -0.4330127018922193, 0.4330127018922193)
        nn.init.zeros_(self.conv2d_4.bias)
        nn.init.trunc_normal_(
            self.dense.weight,
            0.0,
            0.24237664474787476,
            -0.48475328949574953,
            0.48475328949574953,
        )
        nn.init.zeros_(self.dense.bias)
        nn.init.eye_(self.dense_1.weight)
        nn.init.zeros_(self.dense_1.bias)
        nn.init.uniform_(self.dense_2.weight, -0.25, 0.5)
        nn.init.zeros_(self.dense_2.bias)
        nn.init.trunc_normal_(self.dense_3.weight, 0.1, 0.2, -0.30000000000000004, 0.5)
        nn.init.zeros_(self.dense_3.bias)
        nn.init.trunc_normal_(
            self.dense_4.weight,
            0.0,
            0.6961739099059294,
            -1.3923478198118588,
            1.3923478198118588,
        )
        nn.init.zeros_(self.dense_4.bias)
        nn.init.uniform_(self.dense_5.weight, -0.6123724356957945, 0.6123724356957945)
        nn.init.zeros_(self.dense_5.bias)
        nn.init.normal_(self.dense_6.weight, 0.0, 0.3535533905932738)
        nn.init.zeros_(self.dense_6.bias)
        nn.init.normal_(self.dense_7.weight, -0.1, 0.3)
        nn.init.zeros_(self.dense_7.bias)
        nn.init.zeros_(self.dense_8.weight)
        nn.init.uniform_(self.dense_8.bias, 0.0, 1.0)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (2, 5, 5)
        x = self.conv2d(x)  # (4, 5, 5)
        x = F.relu6(x)  # (4, 5, 5)
        x = self.conv2d_1(x)  # (4, 5, 5)
        x = F.hardswish(x)  # (4, 5, 5)
        x = self.conv2d_2(x)  # (6, 4, 4)
        x = x.permute(0, 2, 3, 1)  # (4, 4, 6)
        x = torch.softmax(x, dim=-1)  # (4, 4, 6)
        x = x.permute(0, 3, 1, 2)  # (6, 4, 4)
        x = self.conv2d_3(x)  # (4, 4, 4)
        x = F.mish(x)  # (4, 4, 4)
        x = self.batch_normalization(x)  # (4, 4, 4)
        x = self.conv2d_4(x)  # (4, 3, 3)
        x = torch.logaddexp(x, torch.zeros_like(x))  # (4, 3, 3)
        x = x.permute(0, 2, 3, 1)  # (3, 3, 4)
        x = x.flatten(1)  # (36)
        x = self.dense(x)  # (8)
        x = F.elu(x)  # (8)
        x = self.dense_1(x)  # (8)
        x = F.gelu(x)  # (8)
        x = self.dense_2(x)  # (8)
        x = F.silu(x)  # (8)
        x = self.dense_3(x)  # (8)
        x = F.softsign(x)  # (8)
        x = self.dense_4(x)  # (8)
        x = torch.sigmoid(x)  # (8)
        x = self.dense_5(x)  # (8)
        x = F.hardsigmoid(x)  # (8)
        x = self.dense_6(x)  # (8)
        x = torch.exp(x)  # (8)
        x = self.dense_7(x)  # (8)
        return self.dense_8(x)  # (4)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> InitialValues:
    return InitialValues()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return Adam(model.parameters(), learning_rate=0.002, beta_1=0.8, beta_2=0.99, epsilon=1e-06)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "conv2d.kernel": ("conv2d.weight", (3, 2, 0, 1)),
    "conv2d.bias": ("conv2d.bias", (0,)),
    "conv2d_1.kernel": ("conv2d_1.weight", (3, 2, 0, 1)),
    "conv2d_1.bias": ("conv2d_1.bias", (0,)),
    "conv2d_2.kernel": ("conv2d_2.weight", (3, 2, 0, 1)),
    "conv2d_2.bias": ("conv2d_2.bias", (0,)),
    "conv2d_3.kernel": ("conv2d_3.weight", (3, 2, 0, 1)),
    "conv2d_3.bias": ("conv2d_3.bias", (0,)),
    "batch_normalization.gamma": ("batch_normalization.gamma", (0,)),
    "batch_normalization.beta": ("batch_normalization.beta", (0,)),
    "batch_normalization.moving_mean": ("batch_normalization.moving_mean", (0,)),
    "batch_normalization.moving_variance": ("batch_normalization.moving_variance", (0,)),
    "conv2d_4.kernel": ("conv2d_4.weight", (3, 2, 0, 1)),
    "conv2d_4.bias": ("conv2d_4.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
    "dense_1.kernel": ("dense_1.weight", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
    "dense_2.kernel": ("dense_2.weight", (1, 0)),
    "dense_2.bias": ("dense_2.bias", (0,)),
    "dense_3.kernel": ("dense_3.weight", (1, 0)),
    "dense_3.bias": ("dense_3.bias", (0,)),
    "dense_4.kernel": ("dense_4.weight", (1, 0)),
    "dense_4.bias": ("dense_4.bias", (0,)),
    "dense_5.kernel": ("dense_5.weight", (1, 0)),
    "dense_5.bias": ("dense_5.bias", (0,)),
    "dense_6.kernel": ("dense_6.weight", (1, 0)),
    "dense_6.bias": ("dense_6.bias", (0,)),
    "dense_7.kernel": ("dense_7.weight", (1, 0)),
    "dense_7.bias": ("dense_7.bias", (0,)),
    "dense_8.kernel": ("dense_8.weight", (1, 0)),
    "dense_8.bias": ("dense_8.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "conv2d.kernel": {"height": 3, "width": 3, "input": 2, "output": 4},
    "conv2d.bias": {"output": 4},
    "conv2d_1.kernel": {"height": 1, "width": 1, "input": 4, "output": 4},
    "conv2d_1.bias": {"output": 4},
    "conv2d_2.kernel": {"height": 2, "width": 2, "input": 4, "output": 6},
    "conv2d_2.bias": {"output": 6},
    "conv2d_3.kernel": {"height": 1, "width": 1, "input": 6, "output": 4},
    "conv2d_3.bias": {"output": 4},
    "batch_normalization.gamma": {"output": 4},
    "batch_normalization.beta": {"output": 4},
    "batch_normalization.moving_mean": {"output": 4},
    "batch_normalization.moving_variance": {"output": 4},
    "conv2d_4.kernel": {"height": 2, "width": 2, "input": 4, "output": 4},
    "conv2d_4.bias": {"output": 4},
    "dense.kernel": {"input": 36, "output": 8},
    "dense.bias": {"output": 8},
    "dense_1.kernel": {"input": 8, "output": 8},
    "dense_1.bias": {"output": 8},
    "dense_2.kernel": {"input": 8, "output": 8},
    "dense_2.bias": {"output": 8},
    "dense_3.kernel": {"input": 8, "output": 8},
    "dense_3.bias": {"output": 8},
    "dense_4.kernel": {"input": 8, "output": 8},
    "dense_4.bias": {"output": 8},
    "dense_5.kernel": {"input": 8, "output": 8},
    "dense_5.bias": {"output": 8},
    "dense_6.kernel": {"input": 8, "output": 8},
    "dense_6.bias": {"output": 8},
    "dense_7.kernel": {"input": 8, "output": 8},
    "dense_7.bias": {"output": 8},
    "dense_8.kernel": {"input": 8, "output": 4},
    "dense_8.bias": {"output": 4},
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
    print(InitialValues())
