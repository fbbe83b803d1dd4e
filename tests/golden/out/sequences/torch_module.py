"""The network sequences in PyTorch.

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


class LSTM(Fused):
    """Keras's LSTM; its gates are i, f, c and o, as PyTorch's are."""

    gates = 4

    def kernels(self, x: Tensor, h: Tensor, *arguments) -> tuple[Tensor, ...]:
        return torch.lstm(x, (h, h), *arguments)


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


def selu(x: Tensor) -> Tensor:
    """SELU, with the slope of the positive side at 0, as Keras has it."""
    negative = 1.6732632423543772 * torch.expm1(x.clamp(max=0))
    return 1.0507009873554805 * torch.where(x >= 0, x, negative)


class Looped(Recurrent):
    """A recurrent layer that goes step by step, with any activations."""

    def __init__(self, *sizes: int, activation, recurrent_activation=None, **options) -> None:
        super().__init__(*sizes, **options)
        self.activation = activation
        self.recurrent_activation = recurrent_activation

    def states(self, x: Tensor) -> Tensor:
        inputs = self.gated(x, self.kernel, self.masks(x[:, :1], self.dropout))
        if self.bias is not None:
            inputs = inputs + self.input_bias()
        h = x.new_zeros(len(x), self.units)
        states = self.steps(inputs.unbind(1), h, self.masks(h, self.recurrent_dropout))
        return torch.stack(list(states), 1)

    def input_bias(self) -> Tensor:
        return self.bias

    def gated(self, x: Tensor, kernel: Tensor, masks: list[Tensor]) -> Tensor:
        """x through the kernel of every gate: (…, gates units). Each gate has its own mask."""
        if len(masks) < 2:
            return F.linear(x * masks[0] if masks else x, kernel)
        parts = zip(masks, kernel.chunk(len(masks)))
        return torch.cat([F.linear(x * mask, part) for mask, part in parts], -1)


class ResetBeforeGRU(Looped):
    """Keras's GRU without `reset_after`: the state is reset before its kernel."""

    gates = 3

    def steps(self, inputs, h: Tensor, masks: list[Tensor]):
        both = 2 * self.units
        to_gates, to_state = self.recurrent_kernel.tensor_split([both])
        for step in inputs:
            z, r = (step[:, :both] + self.gated(h, to_gates, masks[:2])).chunk(2, -1)
            z, r = self.recurrent_activation(z), self.recurrent_activation(r)
            n = step[:, both:] + self.gated(r * h, to_state, masks[2:])
            h = z * h + (1 - z) * self.activation(n)
            yield h


class LoopedLSTM(Looped):
    """Keras's LSTM."""

    gates = 4

    def steps(self, inputs, h: Tensor, masks: list[Tensor]):
        c = h
        for z in inputs:
            z = z + self.gated(h, self.recurrent_kernel, masks)
            i, f, g, o = z.chunk(4, -1)
            kept = self.recurrent_activation(f) * c
            c = kept + self.recurrent_activation(i) * self.activation(g)
            h = self.recurrent_activation(o) * self.activation(c)
            yield h


class LoopedSimpleRNN(Looped):
    """Keras's SimpleRNN."""

    def steps(self, inputs, h: Tensor, masks: list[Tensor]):
        for z in inputs:
            h = self.activation(z + self.gated(h, self.recurrent_kernel, masks))
            yield h


class ReluRNN(Fused):
    """Keras's SimpleRNN with relu."""

    def kernels(self, *arguments) -> tuple[Tensor, ...]:
        return torch.rnn_relu(*arguments)


class LoopedGRU(Looped):
    """Keras's GRU with `reset_after`."""

    gates = 3

    def empty_bias(self) -> Tensor:
        return torch.empty(2, 3 * self.units)

    def input_bias(self) -> Tensor:
        return self.bias[0]

    def steps(self, inputs, h: Tensor, masks: list[Tensor]):
        for step in inputs:
            inner = self.gated(h, self.recurrent_kernel, masks)
            if self.bias is not None:
                inner = inner + self.bias[1]
            (z, r, n), (h_z, h_r, h_n) = step.chunk(3, -1), inner.chunk(3, -1)
            z = self.recurrent_activation(z + h_z)
            r = self.recurrent_activation(r + h_r)
            h = z * h + (1 - z) * self.activation(n + r * h_n)
            yield h


class Bidirectional(nn.Module):
    """A recurrent layer, one like it from the last step to the first, and `merge` of their outputs.

    Without `return_sequences` each gives its own last state.
    """

    def __init__(self, forward_layer, backward_layer, merge) -> None:
        super().__init__()
        self.forward_layer = forward_layer
        self.backward_layer = backward_layer
        self.merge = merge

    def forward(self, x: Tensor) -> Tensor:
        return self.merge(*self.directions(x))

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        y, z = self.forward_layer(x), self.backward_layer(x.flip(1))
        return y, z.flip(1) if self.forward_layer.return_sequences else z


class FusedBidirectional(Bidirectional):
    """Both directions in one call of PyTorch's fused kernel."""

    def directions(self, x: Tensor) -> tuple[Tensor, Tensor]:
        layer = self.forward_layer
        y, z = layer.run(x, [*layer.weights(), *self.backward_layer.weights()], 2).chunk(2, -1)
        return (y, z) if layer.return_sequences else (y[:, -1], z[:, 0])


def concatenated(y: Tensor, z: Tensor) -> Tensor:
    return torch.cat([y, z], -1)


def average(y: Tensor, z: Tensor) -> Tensor:
    return (y + z) / 2


class SimpleRNN(Fused):
    """Keras's SimpleRNN with tanh."""

    def kernels(self, *arguments) -> tuple[Tensor, ...]:
        return torch.rnn_tanh(*arguments)


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


class Sequences(nn.Module):
    """Inputs (6, 5), channels last, divided by 2, to probabilities (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = LSTM(5, 8, dropout=0.2, return_sequences=True)
        self.gru = GRU(8, 6, return_sequences=True, go_backwards=True)
        self.gru_1 = ResetBeforeGRU(
            6,
            6,
            activation=selu,
            recurrent_activation=torch.sigmoid,
            return_sequences=True,
        )
        self.lstm_1 = LoopedLSTM(
            6,
            4,
            activation=torch.tanh,
            recurrent_activation=F.hardsigmoid,
            recurrent_dropout=0.1,
            return_sequences=True,
        )
        self.simple_rnn = LoopedSimpleRNN(
            4,
            4,
            activation=lambda x: F.leaky_relu(x, 0.2),
            use_bias=False,
            return_sequences=True,
        )
        self.simple_rnn_1 = ReluRNN(4, 4, return_sequences=True)
        self.gru_2 = LoopedGRU(
            4,
            4,
            activation=lambda x: torch.softmax(x, dim=-1),
            recurrent_activation=torch.sigmoid,
            return_sequences=True,
        )
        self.bidirectional = FusedBidirectional(
            LSTM(4, 3, return_sequences=True),
            LSTM(4, 3, return_sequences=True),
            concatenated,
        )
        self.bidirectional_1 = Bidirectional(
            GRU(6, 3, dropout=0.1, return_sequences=True),
            GRU(6, 3, dropout=0.1, return_sequences=True),
            average,
        )
        self.time_distributed = nn.Linear(3, 6)
        self.simple_rnn_2 = SimpleRNN(6, 5)
        self.dense = nn.Linear(5, 3)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.lstm.kernel)
        nn.init.orthogonal_(self.lstm.recurrent_kernel, gain=1.0)
        nn.init.uniform_(self.lstm.bias.data[:8], -0.6123724356957945, 0.6123724356957945)
        nn.init.uniform_(self.lstm.bias.data[16:], -0.4330127018922193, 0.4330127018922193)
        nn.init.ones_(self.lstm.bias.data[8:16])
        nn.init.xavier_uniform_(self.gru.kernel)
        nn.init.orthogonal_(self.gru.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.gru.bias)
        nn.init.xavier_uniform_(self.gru_1.kernel)
        nn.init.orthogonal_(self.gru_1.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.gru_1.bias)
        nn.init.xavier_uniform_(self.lstm_1.kernel)
        nn.init.orthogonal_(self.lstm_1.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.lstm_1.bias)
        nn.init.xavier_uniform_(self.simple_rnn.kernel)
        nn.init.orthogonal_(self.simple_rnn.recurrent_kernel, gain=1.0)
        nn.init.xavier_uniform_(self.simple_rnn_1.kernel)
        nn.init.orthogonal_(self.simple_rnn_1.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.simple_rnn_1.bias)
        nn.init.xavier_uniform_(self.gru_2.kernel)
        nn.init.orthogonal_(self.gru_2.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.gru_2.bias)
        nn.init.xavier_uniform_(self.bidirectional.forward_layer.kernel)
        nn.init.orthogonal_(self.bidirectional.forward_layer.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.bidirectional.forward_layer.bias)
        nn.init.ones_(self.bidirectional.forward_layer.bias.data[3:6])
        nn.init.xavier_uniform_(self.bidirectional.backward_layer.kernel)
        nn.init.orthogonal_(self.bidirectional.backward_layer.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.bidirectional.backward_layer.bias)
        nn.init.ones_(self.bidirectional.backward_layer.bias.data[3:6])
        nn.init.xavier_uniform_(self.bidirectional_1.forward_layer.kernel)
        nn.init.orthogonal_(self.bidirectional_1.forward_layer.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.bidirectional_1.forward_layer.bias)
        nn.init.xavier_uniform_(self.bidirectional_1.backward_layer.kernel)
        nn.init.orthogonal_(self.bidirectional_1.backward_layer.recurrent_kernel, gain=1.0)
        nn.init.zeros_(self.bidirectional_1.backward_layer.bias)
        nn.init.xavier_uniform_(self.time_distributed.weight)
        nn.init.zeros_(self.time_distributed.bias)
        nn.init.xavier_uniform_(self.simple_rnn_2.kernel)
        nn.init.xavier_uniform_(self.simple_rnn_2.recurrent_kernel)
        nn.init.zeros_(self.simple_rnn_2.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = self.lstm(x)  # (6, 8)
        x = self.gru(x)  # (6, 6)
        x = self.gru_1(x)  # (6, 6)
        x = self.lstm_1(x)  # (6, 4)
        x = self.simple_rnn(x)  # (6, 4)
        x = self.simple_rnn_1(x)  # (6, 4)
        x = self.gru_2(x)  # (6, 4)
        x = self.bidirectional(x)  # (6, 6)
        x = self.bidirectional_1(x)  # (6, 3)
        x = self.time_distributed(x)  # (6, 6)
        time_distributed_activation = F.relu(x)  # (6, 6)
        x = time_distributed_activation.flatten(0, 1)  # (6)
        x = x.flatten(1)  # (6)
        x = x.unflatten(0, (-1, 6))  # (6, 6)
        x = self.simple_rnn_2(x)  # (5)
        return self.dense(x)  # (3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)

    def regularization(self) -> Tensor:
        """The penalties on the weights, which training adds to the loss."""
        penalty = 0.01 * self.bidirectional.forward_layer.kernel.square().sum()
        penalty = penalty + 0.01 * self.bidirectional.backward_layer.kernel.square().sum()
        return penalty


def build_model() -> Sequences:
    return Sequences()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return Adam(model.parameters(), learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-07)


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "lstm.kernel": ("lstm.kernel", (1, 0)),
    "lstm.recurrent_kernel": ("lstm.recurrent_kernel", (1, 0)),
    "lstm.bias": ("lstm.bias", (0,)),
    "gru.kernel": ("gru.kernel", (1, 0)),
    "gru.recurrent_kernel": ("gru.recurrent_kernel", (1, 0)),
    "gru.bias": ("gru.bias", (0, 1)),
    "gru_1.kernel": ("gru_1.kernel", (1, 0)),
    "gru_1.recurrent_kernel": ("gru_1.recurrent_kernel", (1, 0)),
    "gru_1.bias": ("gru_1.bias", (0,)),
    "lstm_1.kernel": ("lstm_1.kernel", (1, 0)),
    "lstm_1.recurrent_kernel": ("lstm_1.recurrent_kernel", (1, 0)),
    "lstm_1.bias": ("lstm_1.bias", (0,)),
    "simple_rnn.kernel": ("simple_rnn.kernel", (1, 0)),
    "simple_rnn.recurrent_kernel": ("simple_rnn.recurrent_kernel", (1, 0)),
    "simple_rnn_1.kernel": ("simple_rnn_1.kernel", (1, 0)),
    "simple_rnn_1.recurrent_kernel": ("simple_rnn_1.recurrent_kernel", (1, 0)),
    "simple_rnn_1.bias": ("simple_rnn_1.bias", (0,)),
    "gru_2.kernel": ("gru_2.kernel", (1, 0)),
    "gru_2.recurrent_kernel": ("gru_2.recurrent_kernel", (1, 0)),
    "gru_2.bias": ("gru_2.bias", (0, 1)),
    "bidirectional.forward.kernel": ("bidirectional.forward_layer.kernel", (1, 0)),
    "bidirectional.forward.recurrent_kernel": (
        "bidirectional.forward_layer.recurrent_kernel",
        (1, 0),
    ),
    "bidirectional.forward.bias": ("bidirectional.forward_layer.bias", (0,)),
    "bidirectional.backward.kernel": ("bidirectional.backward_layer.kernel", (1, 0)),
    "bidirectional.backward.recurrent_kernel": (
        "bidirectional.backward_layer.recurrent_kernel",
        (1, 0),
    ),
    "bidirectional.backward.bias": ("bidirectional.backward_layer.bias", (0,)),
    "bidirectional_1.forward.kernel": ("bidirectional_1.forward_layer.kernel", (1, 0)),
    "bidirectional_1.forward.recurrent_kernel": (
        "bidirectional_1.forward_layer.recurrent_kernel",
        (1, 0),
    ),
    "bidirectional_1.forward.bias": ("bidirectional_1.forward_layer.bias", (0, 1)),
    "bidirectional_1.backward.kernel": ("bidirectional_1.backward_layer.kernel", (1, 0)),
    "bidirectional_1.backward.recurrent_kernel": (
        "bidirectional_1.backward_layer.recurrent_kernel",
        (1, 0),
    ),
    "bidirectional_1.backward.bias": ("bidirectional_1.backward_layer.bias", (0, 1)),
    "time_distributed.kernel": ("time_distributed.weight", (1, 0)),
    "time_distributed.bias": ("time_distributed.bias", (0,)),
    "simple_rnn_2.kernel": ("simple_rnn_2.kernel", (1, 0)),
    "simple_rnn_2.recurrent_kernel": ("simple_rnn_2.recurrent_kernel", (1, 0)),
    "simple_rnn_2.bias": ("simple_rnn_2.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "lstm.kernel": {"input": 5, "output": 32},
    "lstm.recurrent_kernel": {"input": 8, "output": 32},
    "lstm.bias": {"output": 32},
    "gru.kernel": {"input": 8, "output": 18},
    "gru.recurrent_kernel": {"input": 6, "output": 18},
    "gru.bias": {"side": 2, "output": 18},
    "gru_1.kernel": {"input": 6, "output": 18},
    "gru_1.recurrent_kernel": {"input": 6, "output": 18},
    "gru_1.bias": {"output": 18},
    "lstm_1.kernel": {"input": 6, "output": 16},
    "lstm_1.recurrent_kernel": {"input": 4, "output": 16},
    "lstm_1.bias": {"output": 16},
    "simple_rnn.kernel": {"input": 4, "output": 4},
    "simple_rnn.recurrent_kernel": {"input": 4, "output": 4},
    "simple_rnn_1.kernel": {"input": 4, "output": 4},
    "simple_rnn_1.recurrent_kernel": {"input": 4, "output": 4},
    "simple_rnn_1.bias": {"output": 4},
    "gru_2.kernel": {"input": 4, "output": 12},
    "gru_2.recurrent_kernel": {"input": 4, "output": 12},
    "gru_2.bias": {"side": 2, "output": 12},
    "bidirectional.forward.kernel": {"input": 4, "output": 12},
    "bidirectional.forward.recurrent_kernel": {"input": 3, "output": 12},
    "bidirectional.forward.bias": {"output": 12},
    "bidirectional.backward.kernel": {"input": 4, "output": 12},
    "bidirectional.backward.recurrent_kernel": {"input": 3, "output": 12},
    "bidirectional.backward.bias": {"output": 12},
    "bidirectional_1.forward.kernel": {"input": 6, "output": 9},
    "bidirectional_1.forward.recurrent_kernel": {"input": 3, "output": 9},
    "bidirectional_1.forward.bias": {"side": 2, "output": 9},
    "bidirectional_1.backward.kernel": {"input": 6, "output": 9},
    "bidirectional_1.backward.recurrent_kernel": {"input": 3, "output": 9},
    "bidirectional_1.backward.bias": {"side": 2, "output": 9},
    "time_distributed.kernel": {"input": 3, "output": 6},
    "time_distributed.bias": {"output": 6},
    "simple_rnn_2.kernel": {"input": 6, "output": 5},
    "simple_rnn_2.recurrent_kernel": {"input": 5, "output": 5},
    "simple_rnn_2.bias": {"output": 5},
    "dense.kernel": {"input": 5, "output": 3},
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
    print(Sequences())
