"""The network character_gru in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrent(nn.Module):
    """What recurrent layers share: weights of `gates` blocks, dropout, and the way back.

    x is (batch, steps, inputs). A subclass gives the states of all steps: (batch, steps, units).
    """

    gates = 1

    def __init__(
        self,
        inputs: int,
        units: int,
        use_bias: bool = True,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        return_sequences: bool = False,
        go_backwards: bool = False,
    ) -> None:
        super().__init__()
        self.units = units
        self.dropout = dropout
        self.recurrent_dropout = recurrent_dropout
        self.return_sequences = return_sequences
        self.go_backwards = go_backwards
        self.kernel = nn.Parameter(torch.empty(self.gates * units, inputs))
        self.recurrent_kernel = nn.Parameter(torch.empty(self.gates * units, units))
        self.bias = nn.Parameter(self.empty_bias()) if use_bias else None

    def empty_bias(self) -> Tensor:
        return torch.empty(self.gates * self.units)

    def forward(self, x: Tensor) -> Tensor:
        states = self.states(x.flip(1) if self.go_backwards else x)
        return states if self.return_sequences else states[:, -1]

    def masks(self, x: Tensor, rate: float) -> list[Tensor]:
        """Masks that hold for all steps: one, or with recurrent dropout one for every gate."""
        if not self.training or rate == 0:
            return []
        count = self.gates if self.recurrent_dropout else 1
        return [F.dropout(torch.ones_like(x), rate) for _ in range(count)]


def in_one_block(weights: list[Tensor]) -> list[Tensor]:
    """The weights as cuDNN reads them: in one block of memory, the kernels, then all biases."""
    order = sorted(range(len(weights)), key=lambda index: weights[index].dim() == 1)
    sizes = [weights[index].numel() for index in order]
    parts = [weights[index].flatten() for index in order]
    if all(weight.dim() > 1 for weight in weights):  # the block has room for biases even so
        parts.append(weights[0].new_zeros(sum(map(len, weights))))
    views = dict(zip(order, torch.cat(parts)[: sum(sizes)].split(sizes)))
    return [views[index].view_as(weight) for index, weight in enumerate(weights)]


class Fused(Recurrent):
    """A recurrent layer on PyTorch's fused kernel."""

    def states(self, x: Tensor) -> Tensor:
        for mask in self.masks(x[:, :1], self.dropout):
            x = x * mask
        return self.run(x, self.weights())

    def run(self, x: Tensor, weights: list[Tensor], directions: int = 1) -> Tensor:
        h = x.new_zeros(directions, len(x), self.units)
        biased, both = self.bias is not None, directions == 2
        weights = in_one_block(weights)
        return self.kernels(x, h, weights, biased, 1, 0.0, self.training, both, True)[0]

    def weights(self) -> list[Tensor]:
        """The weights in PyTorch's order, whose second bias is zero."""
        if self.bias is None:
            return [self.kernel, self.recurrent_kernel]
        return [self.kernel, self.recurrent_kernel, self.bias, torch.zeros_like(self.bias)]


class GRU(Fused):
    """Keras's GRU with `reset_after`; its gates are z, r and n, and PyTorch's are r, z and n."""

    gates = 3

    def empty_bias(self) -> Tensor:
        return torch.empty(2, 3 * self.units)

    def kernels(self, *arguments) -> tuple[Tensor, ...]:
        return torch.gru(*arguments)

    def weights(self) -> list[Tensor]:
        biases = () if self.bias is None else self.bias
        gates = [weight.chunk(3) for weight in (self.kernel, self.recurrent_kernel, *biases)]
        return [torch.cat([r, z, n]) for z, r, n in gates]


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


class CrossEntropy(nn.CrossEntropyLoss):
    """Cross-entropy along the last axis, where nn.CrossEntropyLoss takes the second."""

    def forward(self, outputs: Tensor, targets: Tensor) -> Tensor:
        if targets.is_floating_point():
            targets = targets.movedim(-1, 1)
        return super().forward(outputs.movedim(-1, 1), targets)


class CharacterGru(nn.Module):
    """Inputs (100), channels last to outputs (100, 66)."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(66, 256)
        self.gru = GRU(256, 1024, return_sequences=True)
        self.dense = nn.Linear(1024, 66)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        nn.init.xavier_uniform_(self.gru.kernel)
        nn.init.orthogonal_(self.gru.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.gru.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def forward(self, x: Tensor) -> Tensor:
        x = self.embedding(x.long())  # (100, 256)
        x = self.gru(x)  # (100, 1024)
        return self.dense(x)  # (100, 66)


def build_model() -> CharacterGru:
    return CharacterGru()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return Adam(model.parameters(), learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return CrossEntropy()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "embedding.embeddings": ("embedding.weight", (0, 1)),
    "gru.kernel": ("gru.kernel", (1, 0)),
    "gru.recurrent_kernel": ("gru.recurrent_kernel", (1, 0)),
    "gru.bias": ("gru.bias", (0, 1)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "embedding.embeddings": {"index": 66, "output": 256},
    "gru.kernel": {"input": 256, "output": 3072},
    "gru.recurrent_kernel": {"input": 1024, "output": 3072},
    "gru.bias": {"side": 2, "output": 3072},
    "dense.kernel": {"input": 1024, "output": 66},
    "dense.bias": {"output": 66},
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
    print(CharacterGru())
