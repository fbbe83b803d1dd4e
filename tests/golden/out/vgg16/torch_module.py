"""The network vgg16 in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Vgg16(nn.Module):
    """Inputs (224, 224, 3), channels last to probabilities (1000)."""

    def __init__(self) -> None:
        super().__init__()
        self.stage_conv2d_0 = nn.Conv2d(3, 64, 3, padding=1)
        self.stage_conv2d_1 = nn.Conv2d(64, 64, 3, padding=1)
        self.stage_1_conv2d_0 = nn.Conv2d(64, 128, 3, padding=1)
        self.stage_1_conv2d_1 = nn.Conv2d(128, 128, 3, padding=1)
        self.stage_2_conv2d_0 = nn.Conv2d(128, 256, 3, padding=1)
        self.stage_2_conv2d_1 = nn.Conv2d(256, 256, 3, padding=1)
        self.stage_2_conv2d_2 = nn.Conv2d(256, 256, 3, padding=1)
        self.stage_3_0_conv2d_0 = nn.Conv2d(256, 512, 3, padding=1)
        self.stage_3_0_conv2d_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.stage_3_0_conv2d_2 = nn.Conv2d(512, 512, 3, padding=1)
        self.stage_3_1_conv2d_0 = nn.Conv2d(512, 512, 3, padding=1)
        self.stage_3_1_conv2d_1 = nn.Conv2d(512, 512, 3, padding=1)
        self.stage_3_1_conv2d_2 = nn.Conv2d(512, 512, 3, padding=1)
        self.dense_0 = nn.Linear(25088, 4096)
        self.dense_1 = nn.Linear(4096, 4096)
        self.dense_2 = nn.Linear(4096, 1000)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.stage_conv2d_0.weight)
        nn.init.zeros_(self.stage_conv2d_0.bias)
        nn.init.xavier_uniform_(self.stage_conv2d_1.weight)
        nn.init.zeros_(self.stage_conv2d_1.bias)
        nn.init.xavier_uniform_(self.stage_1_conv2d_0.weight)
        nn.init.zeros_(self.stage_1_conv2d_0.bias)
        nn.init.xavier_uniform_(self.stage_1_conv2d_1.weight)
        nn.init.zeros_(self.stage_1_conv2d_1.bias)
        nn.init.xavier_uniform_(self.stage_2_conv2d_0.weight)
        nn.init.zeros_(self.stage_2_conv2d_0.bias)
        nn.init.xavier_uniform_(self.stage_2_conv2d_1.weight)
        nn.init.zeros_(self.stage_2_conv2d_1.bias)
        nn.init.xavier_uniform_(self.stage_2_conv2d_2.weight)
        nn.init.zeros_(self.stage_2_conv2d_2.bias)
        nn.init.xavier_uniform_(self.stage_3_0_conv2d_0.weight)
        nn.init.zeros_(self.stage_3_0_conv2d_0.bias)
        nn.init.xavier_uniform_(self.stage_3_0_conv2d_1.weight)
        nn.init.zeros_(self.stage_3_0_conv2d_1.bias)
        nn.init.xavier_uniform_(self.stage_3_0_conv2d_2.weight)
        nn.init.zeros_(self.stage_3_0_conv2d_2.bias)
        nn.init.xavier_uniform_(self.stage_3_1_conv2d_0.weight)
        nn.init.zeros_(self.stage_3_1_conv2d_0.bias)
        nn.init.xavier_uniform_(self.stage_3_1_conv2d_1.weight)
        nn.init.zeros_(self.stage_3_1_conv2d_1.bias)
        nn.init.xavier_uniform_(self.stage_3_1_conv2d_2.weight)
        nn.init.zeros_(self.stage_3_1_conv2d_2.bias)
        nn.init.xavier_uniform_(self.dense_0.weight)
        nn.init.zeros_(self.dense_0.bias)
        nn.init.xavier_uniform_(self.dense_1.weight)
        nn.init.zeros_(self.dense_1.bias)
        nn.init.xavier_uniform_(self.dense_2.weight)
        nn.init.zeros_(self.dense_2.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (3, 224, 224)
        x = self.stage_conv2d_0(x)  # (64, 224, 224)
        x = F.relu(x)  # (64, 224, 224)
        x = self.stage_conv2d_1(x)  # (64, 224, 224)
        x = F.max_pool2d(x, 2)  # (64, 112, 112)
        x = F.relu(x)  # (64, 112, 112)
        x = self.stage_1_conv2d_0(x)  # (128, 112, 112)
        x = F.relu(x)  # (128, 112, 112)
        x = self.stage_1_conv2d_1(x)  # (128, 112, 112)
        x = F.max_pool2d(x, 2)  # (128, 56, 56)
        x = F.relu(x)  # (128, 56, 56)
        x = self.stage_2_conv2d_0(x)  # (256, 56, 56)
        x = F.relu(x)  # (256, 56, 56)
        x = self.stage_2_conv2d_1(x)  # (256, 56, 56)
        x = F.relu(x)  # (256, 56, 56)
        x = self.stage_2_conv2d_2(x)  # (256, 56, 56)
        x = F.max_pool2d(x, 2)  # (256, 28, 28)
        x = F.relu(x)  # (256, 28, 28)
        x = self.stage_3_0_conv2d_0(x)  # (512, 28, 28)
        x = F.relu(x)  # (512, 28, 28)
        x = self.stage_3_0_conv2d_1(x)  # (512, 28, 28)
        x = F.relu(x)  # (512, 28, 28)
        x = self.stage_3_0_conv2d_2(x)  # (512, 28, 28)
        x = F.max_pool2d(x, 2)  # (512, 14, 14)
        x = F.relu(x)  # (512, 14, 14)
        x = self.stage_3_1_conv2d_0(x)  # (512, 14, 14)
        x = F.relu(x)  # (512, 14, 14)
        x = self.stage_3_1_conv2d_1(x)  # (512, 14, 14)
        x = F.relu(x)  # (512, 14, 14)
        x = self.stage_3_1_conv2d_2(x)  # (512, 14, 14)
        x = F.max_pool2d(x, 2)  # (512, 7, 7)
        x = F.relu(x)  # (512, 7, 7)
        x = x.permute(0, 2, 3, 1)  # (7, 7, 512)
        x = x.flatten(1)  # (25088)
        x = self.dense_0(x)  # (4096)
        x = F.relu(x)  # (4096)
        x = self.dense_1(x)  # (4096)
        x = F.relu(x)  # (4096)
        return self.dense_2(x)  # (1000)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> Vgg16:
    return Vgg16()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "stage/conv2d_0.kernel": ("stage_conv2d_0.weight", (3, 2, 0, 1)),
    "stage/conv2d_0.bias": ("stage_conv2d_0.bias", (0,)),
    "stage/conv2d_1.kernel": ("stage_conv2d_1.weight", (3, 2, 0, 1)),
    "stage/conv2d_1.bias": ("stage_conv2d_1.bias", (0,)),
    "stage_1/conv2d_0.kernel": ("stage_1_conv2d_0.weight", (3, 2, 0, 1)),
    "stage_1/conv2d_0.bias": ("stage_1_conv2d_0.bias", (0,)),
    "stage_1/conv2d_1.kernel": ("stage_1_conv2d_1.weight", (3, 2, 0, 1)),
    "stage_1/conv2d_1.bias": ("stage_1_conv2d_1.bias", (0,)),
    "stage_2/conv2d_0.kernel": ("stage_2_conv2d_0.weight", (3, 2, 0, 1)),
    "stage_2/conv2d_0.bias": ("stage_2_conv2d_0.bias", (0,)),
    "stage_2/conv2d_1.kernel": ("stage_2_conv2d_1.weight", (3, 2, 0, 1)),
    "stage_2/conv2d_1.bias": ("stage_2_conv2d_1.bias", (0,)),
    "stage_2/conv2d_2.kernel": ("stage_2_conv2d_2.weight", (3, 2, 0, 1)),
    "stage_2/conv2d_2.bias": ("stage_2_conv2d_2.bias", (0,)),
    "stage_3_0/conv2d_0.kernel": ("stage_3_0_conv2d_0.weight", (3, 2, 0, 1)),
    "stage_3_0/conv2d_0.bias": ("stage_3_0_conv2d_0.bias", (0,)),
    "stage_3_0/conv2d_1.kernel": ("stage_3_0_conv2d_1.weight", (3, 2, 0, 1)),
    "stage_3_0/conv2d_1.bias": ("stage_3_0_conv2d_1.bias", (0,)),
    "stage_3_0/conv2d_2.kernel": ("stage_3_0_conv2d_2.weight", (3, 2, 0, 1)),
    "stage_3_0/conv2d_2.bias": ("stage_3_0_conv2d_2.bias", (0,)),
    "stage_3_1/conv2d_0.kernel": ("stage_3_1_conv2d_0.weight", (3, 2, 0, 1)),
    "stage_3_1/conv2d_0.bias": ("stage_3_1_conv2d_0.bias", (0,)),
    "stage_3_1/conv2d_1.kernel": ("stage_3_1_conv2d_1.weight", (3, 2, 0, 1)),
    "stage_3_1/conv2d_1.bias": ("stage_3_1_conv2d_1.bias", (0,)),
    "stage_3_1/conv2d_2.kernel": ("stage_3_1_conv2d_2.weight", (3, 2, 0, 1)),
    "stage_3_1/conv2d_2.bias": ("stage_3_1_conv2d_2.bias", (0,)),
    "dense_0.kernel": ("dense_0.weight", (1, 0)),
    "dense_0.bias": ("dense_0.bias", (0,)),
    "dense_1.kernel": ("dense_1.weight", (1, 0)),
    "dense_1.bias": ("dense_1.bias", (0,)),
    "dense_2.kernel": ("dense_2.weight", (1, 0)),
    "dense_2.bias": ("dense_2.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "stage/conv2d_0.kernel": {"height": 3, "width": 3, "input": 3, "output": 64},
    "stage/conv2d_0.bias": {"output": 64},
    "stage/conv2d_1.kernel": {"height": 3, "width": 3, "input": 64, "output": 64},
    "stage/conv2d_1.bias": {"output": 64},
    "stage_1/conv2d_0.kernel": {"height": 3, "width": 3, "input": 64, "output": 128},
    "stage_1/conv2d_0.bias": {"output": 128},
    "stage_1/conv2d_1.kernel": {"height": 3, "width": 3, "input": 128, "output": 128},
    "stage_1/conv2d_1.bias": {"output": 128},
    "stage_2/conv2d_0.kernel": {"height": 3, "width": 3, "input": 128, "output": 256},
    "stage_2/conv2d_0.bias": {"output": 256},
    "stage_2/conv2d_1.kernel": {"height": 3, "width": 3, "input": 256, "output": 256},
    "stage_2/conv2d_1.bias": {"output": 256},
    "stage_2/conv2d_2.kernel": {"height": 3, "width": 3, "input": 256, "output": 256},
    "stage_2/conv2d_2.bias": {"output": 256},
    "stage_3_0/conv2d_0.kernel": {"height": 3, "width": 3, "input": 256, "output": 512},
    "stage_3_0/conv2d_0.bias": {"output": 512},
    "stage_3_0/conv2d_1.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_0/conv2d_1.bias": {"output": 512},
    "stage_3_0/conv2d_2.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_0/conv2d_2.bias": {"output": 512},
    "stage_3_1/conv2d_0.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_0.bias": {"output": 512},
    "stage_3_1/conv2d_1.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_1.bias": {"output": 512},
    "stage_3_1/conv2d_2.kernel": {"height": 3, "width": 3, "input": 512, "output": 512},
    "stage_3_1/conv2d_2.bias": {"output": 512},
    "dense_0.kernel": {"input": 25088, "output": 4096},
    "dense_0.bias": {"output": 4096},
    "dense_1.kernel": {"input": 4096, "output": 4096},
    "dense_1.bias": {"output": 4096},
    "dense_2.kernel": {"input": 4096, "output": 1000},
    "dense_2.bias": {"output": 1000},
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
    print(Vgg16())
