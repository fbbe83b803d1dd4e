"""Recurrent layers in PyTorch, by Keras's formulas."""

# A subclass defines `states`, `kernels` and `steps`, and what it calls is not None.
# pyright: reportArgumentType=false, reportCallIssue=false, reportOptionalCall=false
# pyright: reportOptionalSubscript=false, reportReturnType=false

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Recurrent(nn.Module):
    """What recurrent layers share: weights of `gates` blocks, dropout, and the way back.

    x is (batch, steps, inputs). A subclass returns the states of all steps: (batch, steps, units).
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


class SimpleRNN(Fused):
    """Keras's SimpleRNN with tanh."""

    def kernels(self, *arguments) -> tuple[Tensor, ...]:
        return torch.rnn_tanh(*arguments)


class ReluRNN(Fused):
    """Keras's SimpleRNN with relu."""

    def kernels(self, *arguments) -> tuple[Tensor, ...]:
        return torch.rnn_relu(*arguments)


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
        """x through the kernel of every gate: (…, gates units). Each gate has a separate mask."""
        if len(masks) < 2:
            return F.linear(x * masks[0] if masks else x, kernel)
        parts = zip(masks, kernel.chunk(len(masks)))
        return torch.cat([F.linear(x * mask, part) for mask, part in parts], -1)


class LoopedSimpleRNN(Looped):
    """Keras's SimpleRNN."""

    def steps(self, inputs, h: Tensor, masks: list[Tensor]):
        for z in inputs:
            h = self.activation(z + self.gated(h, self.recurrent_kernel, masks))
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
