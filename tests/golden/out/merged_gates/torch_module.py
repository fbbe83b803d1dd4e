"""The network merged_gates in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def random_flip(x: Tensor, dims: tuple[int, ...], training: bool) -> Tensor:
    """Half of the images (n, height, width, channels) are mirrored in training."""
    if not training:
        return x
    flipped = torch.rand(len(x), 1, 1, 1, device=x.device) <= 0.5
    return torch.where(flipped, x.flip(dims), x)


def source_coordinate(position: Tensor, size: int, fill_mode: str) -> Tensor:
    """Where TensorFlow finds the value of a place that may lie outside of 0 to size - 1."""
    if fill_mode == "constant":
        return position
    if fill_mode == "reflect":
        position = position.remainder(2 * size)
        position = torch.where(position < size, position, 2 * size - 1 - position)
    if fill_mode == "wrap" and size > 1:
        turns = (position.abs() / (size - 1)).trunc()
        outside = torch.where(position > size - 1, position - size * turns, position)
        position = torch.where(position < 0, position + size * (turns + 1), outside)
    return position.clamp(0, size - 1)


def affine_transform(
    x: Tensor,
    matrix: Tensor,
    fill_mode: str = "reflect",
    interpolation: str = "bilinear",
    fill_value: float = 0.0,
) -> Tensor:
    """Images (n, height, width, channels) whose values come from elsewhere; matrix (n, 6).

    With the row a, b, c, d, e, f, the value at column j of row i is that at column a j + b i + c of
    row d j + e i + f.
    """
    count, height, width, _ = x.shape
    a, b, c, d, e, f = matrix[:, :, None, None].unbind(1)
    i, j = torch.arange(height, device=x.device)[:, None], torch.arange(width, device=x.device)
    column = source_coordinate(a * j + b * i + c, width, fill_mode)
    row = source_coordinate(d * j + e * i + f, height, fill_mode)
    image = torch.arange(count, device=x.device)[:, None, None]

    def value(row: Tensor, column: Tensor) -> Tensor:
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
        return torch.where(inside[..., None], x[image, row, column], fill_value)

    if interpolation == "nearest":  # halves are rounded away from 0
        return value(
            *(position.sign() * (position.abs() + 0.5).floor() for position in (row, column))
        )
    top, left = row.floor(), column.floor()
    down, right = (row - top)[..., None], (column - left)[..., None]
    upper = (1 - right) * value(top, left) + right * value(top, left + 1)
    lower = (1 - right) * value(top + 1, left) + right * value(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def translation(down: Tensor, right: Tensor) -> Tensor:
    """The matrices of shifts by so many rows and columns."""
    ones, zeros = torch.ones_like(down), torch.zeros_like(down)
    return torch.stack([ones, zeros, -right, zeros, ones, -down], dim=1)


def random_translation(x: Tensor, heights, widths, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are shifted in training, by parts of their size."""
    if not training:
        return x
    down = x.shape[1] * x.new_empty(len(x)).uniform_(*heights)
    right = x.shape[2] * x.new_empty(len(x)).uniform_(*widths)
    return affine_transform(x, translation(down, right), **outside)


def rotation(turns: Tensor, height: int, width: int) -> Tensor:
    """The matrices of turns about the middle of an image."""
    cos, sin = torch.cos(2 * torch.pi * turns), torch.sin(2 * torch.pi * turns)
    x, y = (width - 1) / 2, (height - 1) / 2
    columns = [cos, -sin, x - x * cos + y * sin]
    return torch.stack([*columns, sin, cos, y - x * sin - y * cos], dim=1)


def random_rotation(x: Tensor, turns, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are turned about their middle in training."""
    if not training:
        return x
    drawn = x.new_empty(len(x)).uniform_(*turns)
    return affine_transform(x, rotation(drawn, x.shape[1], x.shape[2]), **outside)


def zoom(down: Tensor, across: Tensor, height: int, width: int) -> Tensor:
    """The matrices of images seen from so many times as far, about their middle."""
    x, y, zero = (width - 1) / 2, (height - 1) / 2, torch.zeros_like(down)
    return torch.stack([across, zero, x - x * across, zero, down, y - y * down], dim=1)


def random_zoom(x: Tensor, heights, widths, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are shrunk or enlarged about their middle in training.

    Without `widths` they keep their proportions.
    """
    if not training:
        return x
    down = across = 1 + x.new_empty(len(x)).uniform_(*heights)
    if widths is not None:
        across = 1 + x.new_empty(len(x)).uniform_(*widths)
    return affine_transform(x, zoom(down, across, x.shape[1], x.shape[2]), **outside)


class PReLU(nn.Module):
    """Keras's parametric ReLU, whose slope at 0 is 0."""

    def __init__(self, *shape: int) -> None:
        super().__init__()
        self.alpha = nn.Parameter(torch.zeros(shape))

    def forward(self, x: Tensor) -> Tensor:
        return F.relu(x) - self.alpha * F.relu(-x)


def maximum(*inputs: Tensor) -> Tensor:
    """The largest value; where some are equal, the first has the gradient, as in TensorFlow."""
    y, *others = inputs
    for x in others:
        y = torch.where(y >= x, y, x)
    return y


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


def gaussian_noise(x: Tensor, stddev: float, training: bool) -> Tensor:
    """Noise of mean 0 is added in training."""
    return x + stddev * torch.randn_like(x) if training else x


def gaussian_dropout(x: Tensor, rate: float, training: bool) -> Tensor:
    """Noise of mean 1 and the deviation of dropout's masks is multiplied in training."""
    stddev = (rate / (1 - rate)) ** 0.5
    return x * (1 + stddev * torch.randn_like(x)) if training else x


def sparsemax(x: Tensor) -> Tensor:
    """Keras 3.15's sparsemax of the last axis, whose threshold adds up the running sums."""
    ordered = x.sort(dim=-1, descending=True).values
    sums = ordered.cumsum(dim=-1)
    counts = torch.arange(1, x.shape[-1] + 1, dtype=x.dtype, device=x.device)
    support = ordered > (sums - 1) / counts
    total = sums.where(support, 0).sum(dim=-1, keepdim=True)
    return (x - (total - 1) / support.sum(dim=-1, keepdim=True)).clamp(min=0)


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


class MergedGates(nn.Module):
    """Inputs (12, 10, 4), channels last to probabilities (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(4, 8, 3, padding=1)
        self.group_normalization = nn.GroupNorm(4, 8, eps=0.001)
        self.p_re_lu = PReLU(8, 1, 1)
        self.gate = nn.Linear(8, 8)
        self.group_normalization_1 = GroupNormalization(12, 12, 0.001, center=False)
        self.layer_normalization = nn.LayerNorm(16, eps=0.001)
        self.layer_normalization_1 = LayerNormalization((1, 2), (12, 10, 1), 0.001, scale=False)
        self.rms_normalization = nn.RMSNorm(1920, eps=1e-06)
        self.left = nn.Linear(1920, 6)
        self.dense = nn.Linear(6, 3)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.stem.weight)
        nn.init.zeros_(self.stem.bias)
        nn.init.ones_(self.group_normalization.weight)
        nn.init.zeros_(self.group_normalization.bias)
        nn.init.zeros_(self.p_re_lu.alpha)
        nn.init.xavier_uniform_(self.gate.weight)
        nn.init.zeros_(self.gate.bias)
        nn.init.ones_(self.group_normalization_1.gamma)
        nn.init.ones_(self.layer_normalization.weight)
        nn.init.zeros_(self.layer_normalization.bias)
        nn.init.zeros_(self.layer_normalization_1.beta)
        nn.init.ones_(self.rms_normalization.weight)
        nn.init.xavier_uniform_(self.left.weight)
        nn.init.zeros_(self.left.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = random_flip(x, (2,), self.training)  # (12, 10, 4)
        x = random_translation(
            x, (-0.1, 0.1), (-0.2, 0.1), self.training, fill_mode="constant", fill_value=0.5
        )  # (12, 10, 4)
        x = random_rotation(x, (-0.05, 0.05), self.training, interpolation="nearest")  # (12, 10, 4)
        x = random_zoom(x, (-0.2, 0.2), None, self.training)  # (12, 10, 4)
        x = x.permute(0, 3, 1, 2)  # (4, 12, 10)
        stem = self.stem(x)  # (8, 12, 10)
        x = self.group_normalization(stem)  # (8, 12, 10)
        x = self.p_re_lu(x)  # (8, 12, 10)
        x = F.dropout2d(x, 0.1, self.training)  # (8, 12, 10)
        shortcut = stem + x  # (8, 12, 10)
        x = shortcut.mean((2, 3), keepdim=True)  # (8, 1, 1)
        x = x.permute(0, 2, 3, 1)  # (1, 1, 8)
        x = self.gate(x)  # (1, 1, 8)
        x = (F.hardtanh(x) + 1) / 2  # (1, 1, 8)
        x = x.permute(0, 3, 1, 2)  # (8, 1, 1)
        x = shortcut * x  # (8, 12, 10)
        x = maximum(x, stem, shortcut)  # (8, 12, 10)
        x = torch.cat((x, stem), dim=1)  # (16, 12, 10)
        x = F.threshold(x, 0.25, 0.0).clamp(max=4.0) - 0.1 * F.relu(0.25 - x)  # (16, 12, 10)
        x = x.permute(0, 2, 3, 1)  # (12, 10, 16)
        x = self.group_normalization_1(x)  # (12, 10, 16)
        x = self.layer_normalization(x)  # (12, 10, 16)
        x = self.layer_normalization_1(x)  # (12, 10, 16)
        x = gaussian_noise(x, 0.1, self.training)  # (12, 10, 16)
        x = x.flatten(1)  # (1920)
        x = gaussian_dropout(x, 0.2, self.training)  # (1920)
        x = self.rms_normalization(x)  # (1920)
        x = self.left(x)  # (6)
        left_activation = sparsemax(x)  # (6)
        x = F.normalize(left_activation, dim=1)  # (6)
        x = (F.normalize(left_activation, dim=1, eps=1e-7) * F.normalize(x, dim=1, eps=1e-7)).sum(
            1, keepdim=True
        )  # (1)
        x = (left_activation + x) / 2  # (6)
        x = x.clamp(min=0) + torch.expm1(x.clamp(max=0))  # (6)
        return self.dense(x)  # (3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> MergedGates:
    return MergedGates()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return SGD(model.parameters(), learning_rate=0.01)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "stem.kernel": ("stem.weight", (3, 2, 0, 1)),
    "stem.bias": ("stem.bias", (0,)),
    "group_normalization.gamma": ("group_normalization.weight", (0,)),
    "group_normalization.beta": ("group_normalization.bias", (0,)),
    "p_re_lu.alpha": ("p_re_lu.alpha", (2, 0, 1)),
    "gate.kernel": ("gate.weight", (1, 0)),
    "gate.bias": ("gate.bias", (0,)),
    "group_normalization_1.gamma": ("group_normalization_1.gamma", (0,)),
    "layer_normalization.gamma": ("layer_normalization.weight", (0,)),
    "layer_normalization.beta": ("layer_normalization.bias", (0,)),
    "layer_normalization_1.beta": ("layer_normalization_1.beta", (0, 1)),
    "rms_normalization.scale": ("rms_normalization.weight", (0,)),
    "left.kernel": ("left.weight", (1, 0)),
    "left.bias": ("left.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "stem.kernel": {"height": 3, "width": 3, "input": 4, "output": 8},
    "stem.bias": {"output": 8},
    "group_normalization.gamma": {"axis0": 8},
    "group_normalization.beta": {"axis0": 8},
    "p_re_lu.alpha": {"space1": 1, "space2": 1, "channel": 8},
    "gate.kernel": {"input": 8, "output": 8},
    "gate.bias": {"output": 8},
    "group_normalization_1.gamma": {"axis0": 12},
    "layer_normalization.gamma": {"axis0": 16},
    "layer_normalization.beta": {"axis0": 16},
    "layer_normalization_1.beta": {"axis0": 12, "axis1": 10},
    "rms_normalization.scale": {"axis0": 1920},
    "left.kernel": {"input": 1920, "output": 6},
    "left.bias": {"output": 6},
    "dense.kernel": {"input": 6, "output": 3},
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
    print(MergedGates())
