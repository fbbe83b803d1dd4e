"""The network hourglass in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


def norms(w: Tensor, axes: tuple[int, ...]) -> Tensor:
    """The norms of a weight along some of its axes, which stay as axes of size 1."""
    return w.square().sum(axes, keepdim=True).sqrt()


def max_norm(w: Tensor, max_value: float, axes: tuple[int, ...]) -> Tensor:
    """The weight with norms of at most max_value."""
    before = norms(w, axes)
    return w * (before.clamp(max=max_value) / (1e-7 + before))


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


class Hourglass(nn.Module):
    """Inputs (9, 8, 3), channels last to probabilities (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.depthwise_conv2d = nn.Conv2d(3, 6, 3, stride=2, groups=3)
        self.separable_conv2d = SeparableConv2d(6, 6, (2, 3), dilation=(1, 2), multiplier=2)
        self.separable_conv2d_1 = SeparableConv2d(6, 5, 3, bias=False)
        self.conv2d_transpose = nn.ConvTranspose2d(5, 4, 3, stride=2)
        self.conv2d_transpose_1 = nn.ConvTranspose2d(
            4,
            4,
            (4, 2),
            stride=(2, 3),
            padding=(1, 0),
            output_padding=(0, 1),
            bias=False,
        )
        self.conv2d_transpose_2 = nn.ConvTranspose2d(4, 2, 5, stride=(2, 1), padding=(1, 2))
        self.dense = nn.Linear(576, 3)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        kernel = torch.unflatten(self.depthwise_conv2d.weight.data, 0, (3, 2)).squeeze(2)
        matrix = nn.init.orthogonal_(torch.empty(27, 2), gain=0.5)
        kernel.copy_(matrix.view(3, 3, 3, 2).permute(2, 3, 0, 1))
        nn.init.zeros_(self.depthwise_conv2d.bias)
        nn.init.trunc_normal_(
            self.separable_conv2d.depthwise.weight,
            0.0,
            0.26795746285798844,
            -0.5359149257159769,
            0.5359149257159769,
        )
        nn.init.xavier_uniform_(self.separable_conv2d.pointwise.weight)
        nn.init.zeros_(self.separable_conv2d.pointwise.bias)
        nn.init.uniform_(
            self.separable_conv2d_1.depthwise.weight,
            -0.3086066999241838,
            0.3086066999241838,
        )
        nn.init.uniform_(
            self.separable_conv2d_1.pointwise.weight,
            -0.7071067811865476,
            0.7071067811865476,
        )
        nn.init.xavier_uniform_(self.conv2d_transpose.weight)
        nn.init.zeros_(self.conv2d_transpose.bias)
        nn.init.trunc_normal_(
            self.conv2d_transpose_1.weight,
            0.0,
            0.2842118085846391,
            -0.5684236171692783,
            0.5684236171692783,
        )
        nn.init.xavier_uniform_(self.conv2d_transpose_2.weight)
        nn.init.zeros_(self.conv2d_transpose_2.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (3, 9, 8)
        x = self.depthwise_conv2d(F.pad(x, (0, 1, 1, 1)))  # (6, 5, 4)
        x = self.separable_conv2d(F.pad(x, (2, 2, 0, 1)))  # (6, 5, 4)
        x = F.relu(x)  # (6, 5, 4)
        x = self.separable_conv2d_1(x)  # (5, 3, 2)
        x = self.conv2d_transpose(x)[..., :-1, :-1]  # (4, 6, 4)
        x = F.gelu(x)  # (4, 6, 4)
        x = self.conv2d_transpose_1(x)  # (4, 12, 12)
        x = self.conv2d_transpose_2(x)[..., :-1, :]  # (2, 24, 12)
        x = x.permute(0, 2, 3, 1)  # (24, 12, 2)
        x = x.flatten(1)  # (576)
        return self.dense(x)  # (3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)

    @torch.no_grad()
    def constrain(self) -> None:
        """Bring the weights within their constraints, as training does after a step."""
        kernel = torch.unflatten(self.depthwise_conv2d.weight, 0, (3, 2)).squeeze(2)
        kernel.copy_(max_norm(kernel, 2.0, (0,)))


def build_model() -> Hourglass:
    return Hourglass()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return SGD(model.parameters(), learning_rate=0.05)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "depthwise_conv2d.kernel": ("depthwise_conv2d.weight", (2, 3, 0, 1)),
    "depthwise_conv2d.bias": ("depthwise_conv2d.bias", (0,)),
    "separable_conv2d.depthwise_kernel": ("separable_conv2d.depthwise.weight", (2, 3, 0, 1)),
    "separable_conv2d.pointwise_kernel": ("separable_conv2d.pointwise.weight", (3, 2, 0, 1)),
    "separable_conv2d.bias": ("separable_conv2d.pointwise.bias", (0,)),
    "separable_conv2d_1.depthwise_kernel": ("separable_conv2d_1.depthwise.weight", (2, 3, 0, 1)),
    "separable_conv2d_1.pointwise_kernel": ("separable_conv2d_1.pointwise.weight", (3, 2, 0, 1)),
    "conv2d_transpose.kernel": ("conv2d_transpose.weight", (3, 2, 0, 1)),
    "conv2d_transpose.bias": ("conv2d_transpose.bias", (0,)),
    "conv2d_transpose_1.kernel": ("conv2d_transpose_1.weight", (3, 2, 0, 1)),
    "conv2d_transpose_2.kernel": ("conv2d_transpose_2.weight", (3, 2, 0, 1)),
    "conv2d_transpose_2.bias": ("conv2d_transpose_2.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "depthwise_conv2d.kernel": {"height": 3, "width": 3, "input": 3, "multiplier": 2},
    "depthwise_conv2d.bias": {"output": 6},
    "separable_conv2d.depthwise_kernel": {"height": 2, "width": 3, "input": 6, "multiplier": 2},
    "separable_conv2d.pointwise_kernel": {"height": 1, "width": 1, "input": 12, "output": 6},
    "separable_conv2d.bias": {"output": 6},
    "separable_conv2d_1.depthwise_kernel": {"height": 3, "width": 3, "input": 6, "multiplier": 1},
    "separable_conv2d_1.pointwise_kernel": {"height": 1, "width": 1, "input": 6, "output": 5},
    "conv2d_transpose.kernel": {"height": 3, "width": 3, "output": 4, "input": 5},
    "conv2d_transpose.bias": {"output": 4},
    "conv2d_transpose_1.kernel": {"height": 4, "width": 2, "output": 4, "input": 4},
    "conv2d_transpose_2.kernel": {"height": 5, "width": 5, "output": 2, "input": 4},
    "conv2d_transpose_2.bias": {"output": 2},
    "dense.kernel": {"input": 576, "output": 3},
    "dense.bias": {"output": 3},
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
    print(Hourglass())
