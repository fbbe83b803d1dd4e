"""The network names_in_use in PyTorch.

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
        # With four axes, PyTorch 2.13 returns wrong gradients where some have size 1.
        return self(x.flatten(2)).reshape(x.shape).movedim(1, axis)


class NamesInUse(nn.Module):
    """Inputs (6, 6, 1), channels last to probabilities (2)."""

    def __init__(self) -> None:
        super().__init__()
        self.train_ = nn.Conv2d(1, 2, 3, padding=1)
        self.forward_ = BatchNormalization(2, momentum=0.99, epsilon=0.001)
        self.lambda_ = nn.Conv2d(2, 2, 2, stride=2)
        self.class_ = nn.Linear(2, 4)
        self.class__ = nn.Linear(4, 4)
        self.state_dict_ = BatchNormalization(4, momentum=0.99, epsilon=0.001)
        self.logits_ = nn.Linear(4, 4)
        self.weights = nn.Linear(4, 4)
        self.T_destination_ = nn.Linear(4, 4)
        self.F = nn.Linear(4, 4)
        self.keras = nn.Linear(4, 4)
        self.a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x = nn.Linear(4, 4)
        self.softmax = nn.Linear(4, 2)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.train_.weight)
        nn.init.zeros_(self.train_.bias)
        nn.init.ones_(self.forward_.gamma)
        nn.init.zeros_(self.forward_.beta)
        nn.init.zeros_(self.forward_.moving_mean)
        nn.init.ones_(self.forward_.moving_variance)
        nn.init.xavier_uniform_(self.lambda_.weight)
        nn.init.zeros_(self.lambda_.bias)
        nn.init.xavier_uniform_(self.class_.weight)
        nn.init.zeros_(self.class_.bias)
        nn.init.xavier_uniform_(self.class__.weight)
        nn.init.zeros_(self.class__.bias)
        nn.init.ones_(self.state_dict_.gamma)
        nn.init.zeros_(self.state_dict_.beta)
        nn.init.zeros_(self.state_dict_.moving_mean)
        nn.init.ones_(self.state_dict_.moving_variance)
        nn.init.xavier_uniform_(self.logits_.weight)
        nn.init.zeros_(self.logits_.bias)
        nn.init.xavier_uniform_(self.weights.weight)
        nn.init.zeros_(self.weights.bias)
        nn.init.xavier_uniform_(self.T_destination_.weight)
        nn.init.zeros_(self.T_destination_.bias)
        nn.init.xavier_uniform_(self.F.weight)
        nn.init.zeros_(self.F.bias)
        nn.init.xavier_uniform_(self.keras.weight)
        nn.init.zeros_(self.keras.bias)
        nn.init.xavier_uniform_(
            self.a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.weight,
        )
        nn.init.zeros_(self.a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias)
        nn.init.xavier_uniform_(self.softmax.weight)
        nn.init.zeros_(self.softmax.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (1, 6, 6)
        x = self.train_(x)  # (2, 6, 6)
        x = self.forward_(x)  # (2, 6, 6)
        x = x[:, :, :-2, :-2]  # (2, 4, 4)
        x = self.lambda_(x)  # (2, 2, 2)
        x = F.max_pool2d(x, 2)  # (2, 1, 1)
        x = F.relu(x)  # (2, 1, 1)
        x = x.permute(0, 2, 3, 1)  # (1, 1, 2)
        x = x.flatten(1)  # (2)
        x = self.class_(x)  # (4)
        x = self.class__(x)  # (4)
        x = self.state_dict_(x)  # (4)
        x = self.logits_(x)  # (4)
        x = self.weights(x)  # (4)
        x = self.T_destination_(x)  # (4)
        x = self.F(x)  # (4)
        x = F.dropout(x, 0.5, self.training)  # (4)
        x = self.keras(x)  # (4)
        x = self.a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x(x)  # (4)
        return self.softmax(x)  # (2)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> NamesInUse:
    return NamesInUse()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "train.kernel": ("train_.weight", (3, 2, 0, 1)),
    "train.bias": ("train_.bias", (0,)),
    "forward.gamma": ("forward_.gamma", (0,)),
    "forward.beta": ("forward_.beta", (0,)),
    "forward.moving_mean": ("forward_.moving_mean", (0,)),
    "forward.moving_variance": ("forward_.moving_variance", (0,)),
    "lambda.kernel": ("lambda_.weight", (3, 2, 0, 1)),
    "lambda.bias": ("lambda_.bias", (0,)),
    "class_.kernel": ("class_.weight", (1, 0)),
    "class_.bias": ("class_.bias", (0,)),
    "class.kernel": ("class__.weight", (1, 0)),
    "class.bias": ("class__.bias", (0,)),
    "state_dict.gamma": ("state_dict_.gamma", (0,)),
    "state_dict.beta": ("state_dict_.beta", (0,)),
    "state_dict.moving_mean": ("state_dict_.moving_mean", (0,)),
    "state_dict.moving_variance": ("state_dict_.moving_variance", (0,)),
    "logits.kernel": ("logits_.weight", (1, 0)),
    "logits.bias": ("logits_.bias", (0,)),
    "weights.kernel": ("weights.weight", (1, 0)),
    "weights.bias": ("weights.bias", (0,)),
    "T_destination.kernel": ("T_destination_.weight", (1, 0)),
    "T_destination.bias": ("T_destination_.bias", (0,)),
    "F.kernel": ("F.weight", (1, 0)),
    "F.bias": ("F.bias", (0,)),
    "keras.kernel": ("keras.weight", (1, 0)),
    "keras.bias": ("keras.bias", (0,)),
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.kernel": (
        "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.weight",
        (1, 0),
    ),
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias": (
        "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias",
        (0,),
    ),
    "softmax.kernel": ("softmax.weight", (1, 0)),
    "softmax.bias": ("softmax.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "train.kernel": {"height": 3, "width": 3, "input": 1, "output": 2},
    "train.bias": {"output": 2},
    "forward.gamma": {"output": 2},
    "forward.beta": {"output": 2},
    "forward.moving_mean": {"output": 2},
    "forward.moving_variance": {"output": 2},
    "lambda.kernel": {"height": 2, "width": 2, "input": 2, "output": 2},
    "lambda.bias": {"output": 2},
    "class_.kernel": {"input": 2, "output": 4},
    "class_.bias": {"output": 4},
    "class.kernel": {"input": 4, "output": 4},
    "class.bias": {"output": 4},
    "state_dict.gamma": {"output": 4},
    "state_dict.beta": {"output": 4},
    "state_dict.moving_mean": {"output": 4},
    "state_dict.moving_variance": {"output": 4},
    "logits.kernel": {"input": 4, "output": 4},
    "logits.bias": {"output": 4},
    "weights.kernel": {"input": 4, "output": 4},
    "weights.bias": {"output": 4},
    "T_destination.kernel": {"input": 4, "output": 4},
    "T_destination.bias": {"output": 4},
    "F.kernel": {"input": 4, "output": 4},
    "F.bias": {"output": 4},
    "keras.kernel": {"input": 4, "output": 4},
    "keras.bias": {"output": 4},
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.kernel": {
        "input": 4,
        "output": 4,
    },
    "a_name_of_sixty_four_letters_the_longest_that_a_layer_may_have_x.bias": {"output": 4},
    "softmax.kernel": {"input": 4, "output": 2},
    "softmax.bias": {"output": 2},
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
    print(NamesInUse())
