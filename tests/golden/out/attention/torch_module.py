"""The network attention in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class Projection(nn.Module):
    """A Dense from the last axes, of the sizes `inputs`, to axes of the sizes `outputs`."""

    def __init__(
        self, inputs: tuple[int, ...], outputs: tuple[int, ...], use_bias: bool = True
    ) -> None:
        super().__init__()
        self.axes = len(inputs)
        self.outputs = outputs
        self.kernel = nn.Parameter(torch.empty(*inputs, *outputs))
        self.bias = nn.Parameter(torch.empty(outputs)) if use_bias else None

    def forward(self, x: Tensor) -> Tensor:
        x = x.flatten(-self.axes)
        kernel = self.kernel.reshape(x.shape[-1], -1)
        bias = None if self.bias is None else self.bias.flatten()
        return F.linear(x, kernel.T, bias).unflatten(-1, self.outputs)


class MultiHeadAttention(nn.Module):
    """Keras's multi-head attention, of sequences (batch, steps, features)."""

    def __init__(
        self,
        query: int,
        value: int,
        key: int,
        output: int,
        num_heads: int,
        key_dim: int,
        value_dim: int,
        use_bias: bool = True,
        dropout: float = 0.0,
        use_causal_mask: bool = False,
    ) -> None:
        super().__init__()
        self.query = Projection((query,), (num_heads, key_dim), use_bias)
        self.key = Projection((key,), (num_heads, key_dim), use_bias)
        self.value = Projection((value,), (num_heads, value_dim), use_bias)
        self.attention_output = Projection((num_heads, value_dim), (output,), use_bias)
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        y = F.scaled_dot_product_attention(
            self.query(query).transpose(1, 2),
            self.key(key).transpose(1, 2),
            self.value(value).transpose(1, 2),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask,
        )
        return self.attention_output(y.transpose(1, 2))


class Attention(nn.Module):
    """Keras's attention by the product of queries and keys."""

    def __init__(
        self, use_scale: bool = False, dropout: float = 0.0, use_causal_mask: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(())) if use_scale else None
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        return F.scaled_dot_product_attention(
            query if self.scale is None else query * self.scale,
            key,
            value,
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask,
            scale=1.0,
        )


def attend(scores: Tensor, value: Tensor, dropout: float, use_causal_mask: bool) -> Tensor:
    """The mean of the values, weighted by the softmax of the scores (batch, queries, values)."""
    if use_causal_mask:
        later = torch.ones_like(scores[0], dtype=torch.bool).triu(1)
        scores = scores.masked_fill(later, float("-inf"))
    return F.dropout(torch.softmax(scores, -1), dropout) @ value


class ConcatAttention(nn.Module):
    """Keras's attention by the sum of queries and keys."""

    def __init__(
        self, use_scale: bool = False, dropout: float = 0.0, use_causal_mask: bool = False
    ) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(())) if use_scale else None
        self.concat_score_weight = nn.Parameter(torch.empty(()))
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        sums = query[:, :, None] + key[:, None]
        scaled = sums if self.scale is None else self.scale * sums
        scores = self.concat_score_weight * torch.tanh(scaled).sum(-1)
        return attend(scores, value, self.dropout * self.training, self.use_causal_mask)


class AdditiveAttention(nn.Module):
    """Keras's additive attention; `size` is that of the scale, 0 for none."""

    def __init__(self, size: int, dropout: float = 0.0, use_causal_mask: bool = False) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(size)) if size else None
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        terms = torch.tanh(query[:, :, None] + key[:, None])
        scores = terms.sum(-1) if self.scale is None else terms @ self.scale
        return attend(scores, value, self.dropout * self.training, self.use_causal_mask)


class GroupedQueryAttention(nn.Module):
    """Keras's grouped-query attention, of sequences (batch, steps, features)."""

    def __init__(
        self,
        query: int,
        value: int,
        key: int,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        use_bias: bool = True,
        dropout: float = 0.0,
        use_causal_mask: bool = False,
        sliding_window: int | None = None,
        use_gate: bool = False,
    ) -> None:
        super().__init__()
        heads, groups = (num_query_heads, head_dim), (num_key_value_heads, head_dim)
        self.query = Projection((query,), heads, use_bias)
        self.key = Projection((key,), groups, use_bias)
        self.gate = Projection((query,), heads, use_bias) if use_gate else None
        self.value = Projection((value,), groups, use_bias)
        self.attention_output = Projection(heads, (query,), use_bias)
        self.group_size = num_query_heads // num_key_value_heads
        self.dropout = dropout
        self.use_causal_mask = use_causal_mask
        self.sliding_window = sliding_window

    def forward(self, query: Tensor, value: Tensor, key: Tensor) -> Tensor:
        y = F.scaled_dot_product_attention(
            self.query(query).transpose(1, 2),
            self.key(key).transpose(1, 2).repeat_interleave(self.group_size, 1),
            self.value(value).transpose(1, 2).repeat_interleave(self.group_size, 1),
            attn_mask=self.seen(query, value),
            dropout_p=self.dropout if self.training else 0.0,
            is_causal=self.use_causal_mask and self.sliding_window is None,
        ).transpose(1, 2)
        if self.gate is not None:
            y = y * torch.sigmoid(self.gate(query))
        return self.attention_output(y)

    def seen(self, query: Tensor, value: Tensor) -> Tensor | None:
        """Which steps are seen through the sliding window (queries, values)."""
        if self.sliding_window is None:
            return None
        reach = self.sliding_window - 1
        every = query.new_ones(query.shape[1], value.shape[1], dtype=torch.bool)
        return every.triu(-reach).tril(0 if self.use_causal_mask else reach)


class EinsumDense(nn.Module):
    """An einsum of the input and a kernel, and a bias."""

    def __init__(
        self, equation: str, kernel: tuple[int, ...], bias: tuple[int, ...] | None = None
    ) -> None:
        super().__init__()
        self.equation = equation
        self.kernel = nn.Parameter(torch.empty(kernel))
        self.bias = None if bias is None else nn.Parameter(torch.empty(bias))

    def forward(self, x: Tensor) -> Tensor:
        y = torch.einsum(self.equation, x, self.kernel)
        return y if self.bias is None else y + self.bias


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


class AttentionNet(nn.Module):
    """Inputs (6, 8), channels last to probabilities (3)."""

    def __init__(self) -> None:
        super().__init__()
        self.own = MultiHeadAttention(
            query=8,
            value=8,
            key=8,
            output=8,
            num_heads=2,
            key_dim=4,
            value_dim=4,
            dropout=0.1,
            use_causal_mask=True,
        )
        self.side = nn.Linear(8, 8)
        self.cross = MultiHeadAttention(
            query=8,
            value=8,
            key=8,
            output=8,
            num_heads=3,
            key_dim=2,
            value_dim=5,
            use_bias=False,
        )
        self.multi_head_attention = MultiHeadAttention(
            query=8,
            value=8,
            key=8,
            output=8,
            num_heads=1,
            key_dim=4,
            value_dim=4,
        )
        self.attention = Attention(use_scale=True, dropout=0.2)
        self.attention_1 = ConcatAttention(use_causal_mask=True)
        self.additive_attention = AdditiveAttention(8)
        self.grouped_query_attention = GroupedQueryAttention(
            query=8,
            value=8,
            key=8,
            head_dim=4,
            num_query_heads=4,
            num_key_value_heads=2,
            sliding_window=3,
            use_gate=True,
        )
        self.einsum_dense = EinsumDense("abc,cd->abd", (8, 5), (5,))
        self.identity = nn.Identity()
        self.dense = nn.Linear(30, 3)
        self.multi_head_attention.requires_grad_(False)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.uniform_(self.own.query.kernel, -0.6123724356957945, 0.6123724356957945)
        nn.init.zeros_(self.own.query.bias)
        nn.init.uniform_(self.own.key.kernel, -0.6123724356957945, 0.6123724356957945)
        nn.init.zeros_(self.own.key.bias)
        nn.init.uniform_(self.own.value.kernel, -0.6123724356957945, 0.6123724356957945)
        nn.init.zeros_(self.own.value.bias)
        nn.init.uniform_(self.own.attention_output.kernel, -0.6123724356957945, 0.6123724356957945)
        nn.init.zeros_(self.own.attention_output.bias)
        nn.init.xavier_uniform_(self.side.weight)
        nn.init.zeros_(self.side.bias)
        nn.init.uniform_(self.cross.query.kernel, -0.6546536707079771, 0.6546536707079771)
        nn.init.uniform_(self.cross.key.kernel, -0.6546536707079771, 0.6546536707079771)
        nn.init.uniform_(self.cross.value.kernel, -0.5107539184552492, 0.5107539184552492)
        nn.init.uniform_(
            self.cross.attention_output.kernel,
            -0.5107539184552492,
            0.5107539184552492,
        )
        nn.init.trunc_normal_(
            self.multi_head_attention.query.kernel,
            0.0,
            0.4019361942869827,
            -0.8038723885739654,
            0.8038723885739654,
        )
        nn.init.zeros_(self.multi_head_attention.query.bias)
        nn.init.trunc_normal_(
            self.multi_head_attention.key.kernel,
            0.0,
            0.4019361942869827,
            -0.8038723885739654,
            0.8038723885739654,
        )
        nn.init.zeros_(self.multi_head_attention.key.bias)
        nn.init.trunc_normal_(
            self.multi_head_attention.value.kernel,
            0.0,
            0.4019361942869827,
            -0.8038723885739654,
            0.8038723885739654,
        )
        nn.init.zeros_(self.multi_head_attention.value.bias)
        nn.init.trunc_normal_(
            self.multi_head_attention.attention_output.kernel,
            0.0,
            0.5684236171692783,
            -1.1368472343385565,
            1.1368472343385565,
        )
        nn.init.zeros_(self.multi_head_attention.attention_output.bias)
        nn.init.ones_(self.attention.scale)
        nn.init.ones_(self.attention_1.concat_score_weight)
        nn.init.uniform_(self.additive_attention.scale, -0.6123724356957945, 0.6123724356957945)
        nn.init.uniform_(self.grouped_query_attention.query.kernel, -0.5, 0.5)
        nn.init.zeros_(self.grouped_query_attention.query.bias)
        nn.init.uniform_(
            self.grouped_query_attention.key.kernel,
            -0.6123724356957945,
            0.6123724356957945,
        )
        nn.init.zeros_(self.grouped_query_attention.key.bias)
        nn.init.uniform_(self.grouped_query_attention.gate.kernel, -0.5, 0.5)
        nn.init.zeros_(self.grouped_query_attention.gate.bias)
        nn.init.uniform_(
            self.grouped_query_attention.value.kernel,
            -0.6123724356957945,
            0.6123724356957945,
        )
        nn.init.zeros_(self.grouped_query_attention.value.bias)
        nn.init.uniform_(self.grouped_query_attention.attention_output.kernel, -0.5, 0.5)
        nn.init.zeros_(self.grouped_query_attention.attention_output.bias)
        nn.init.uniform_(self.einsum_dense.kernel, -0.6793662204867574, 0.6793662204867574)
        nn.init.zeros_(self.einsum_dense.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def logits(self, x: Tensor) -> Tensor:
        own = self.own(x, x, x)  # (6, 8)
        x = self.side(own)  # (6, 8)
        side_activation = F.relu(x)  # (6, 8)
        cross = self.cross(own, side_activation, side_activation)  # (6, 8)
        multi_head_attention = self.multi_head_attention(own, side_activation, cross)  # (6, 8)
        x = self.attention(own, cross, cross)  # (6, 8)
        x = self.attention_1(own, cross, x)  # (6, 8)
        x = self.additive_attention(multi_head_attention, x, x)  # (6, 8)
        x = self.grouped_query_attention(x, x, x)  # (6, 8)
        x = self.einsum_dense(x)  # (6, 5)
        x = F.relu(x)  # (6, 5)
        x = self.identity(x)  # (6, 5)
        x = x.flatten(1)  # (30)
        return self.dense(x)  # (3)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> AttentionNet:
    return AttentionNet()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return Adam(
        [weight for weight in model.parameters() if weight.requires_grad],
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-07,
    )


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "own.query.kernel": ("own.query.kernel", (0, 1, 2)),
    "own.query.bias": ("own.query.bias", (0, 1)),
    "own.key.kernel": ("own.key.kernel", (0, 1, 2)),
    "own.key.bias": ("own.key.bias", (0, 1)),
    "own.value.kernel": ("own.value.kernel", (0, 1, 2)),
    "own.value.bias": ("own.value.bias", (0, 1)),
    "own.attention_output.kernel": ("own.attention_output.kernel", (0, 1, 2)),
    "own.attention_output.bias": ("own.attention_output.bias", (0,)),
    "side.kernel": ("side.weight", (1, 0)),
    "side.bias": ("side.bias", (0,)),
    "cross.query.kernel": ("cross.query.kernel", (0, 1, 2)),
    "cross.key.kernel": ("cross.key.kernel", (0, 1, 2)),
    "cross.value.kernel": ("cross.value.kernel", (0, 1, 2)),
    "cross.attention_output.kernel": ("cross.attention_output.kernel", (0, 1, 2)),
    "multi_head_attention.query.kernel": ("multi_head_attention.query.kernel", (0, 1, 2)),
    "multi_head_attention.query.bias": ("multi_head_attention.query.bias", (0, 1)),
    "multi_head_attention.key.kernel": ("multi_head_attention.key.kernel", (0, 1, 2)),
    "multi_head_attention.key.bias": ("multi_head_attention.key.bias", (0, 1)),
    "multi_head_attention.value.kernel": ("multi_head_attention.value.kernel", (0, 1, 2)),
    "multi_head_attention.value.bias": ("multi_head_attention.value.bias", (0, 1)),
    "multi_head_attention.attention_output.kernel": (
        "multi_head_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "multi_head_attention.attention_output.bias": (
        "multi_head_attention.attention_output.bias",
        (0,),
    ),
    "attention.scale": ("attention.scale", ()),
    "attention_1.concat_score_weight": ("attention_1.concat_score_weight", ()),
    "additive_attention.scale": ("additive_attention.scale", (0,)),
    "grouped_query_attention.query.kernel": ("grouped_query_attention.query.kernel", (0, 1, 2)),
    "grouped_query_attention.query.bias": ("grouped_query_attention.query.bias", (0, 1)),
    "grouped_query_attention.key.kernel": ("grouped_query_attention.key.kernel", (0, 1, 2)),
    "grouped_query_attention.key.bias": ("grouped_query_attention.key.bias", (0, 1)),
    "grouped_query_attention.gate.kernel": ("grouped_query_attention.gate.kernel", (0, 1, 2)),
    "grouped_query_attention.gate.bias": ("grouped_query_attention.gate.bias", (0, 1)),
    "grouped_query_attention.value.kernel": ("grouped_query_attention.value.kernel", (0, 1, 2)),
    "grouped_query_attention.value.bias": ("grouped_query_attention.value.bias", (0, 1)),
    "grouped_query_attention.attention_output.kernel": (
        "grouped_query_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "grouped_query_attention.attention_output.bias": (
        "grouped_query_attention.attention_output.bias",
        (0,),
    ),
    "einsum_dense.kernel": ("einsum_dense.kernel", (0, 1)),
    "einsum_dense.bias": ("einsum_dense.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "own.query.kernel": {"input": 8, "head": 2, "size": 4},
    "own.query.bias": {"head": 2, "size": 4},
    "own.key.kernel": {"input": 8, "head": 2, "size": 4},
    "own.key.bias": {"head": 2, "size": 4},
    "own.value.kernel": {"input": 8, "head": 2, "size": 4},
    "own.value.bias": {"head": 2, "size": 4},
    "own.attention_output.kernel": {"head": 2, "size": 4, "output": 8},
    "own.attention_output.bias": {"output": 8},
    "side.kernel": {"input": 8, "output": 8},
    "side.bias": {"output": 8},
    "cross.query.kernel": {"input": 8, "head": 3, "size": 2},
    "cross.key.kernel": {"input": 8, "head": 3, "size": 2},
    "cross.value.kernel": {"input": 8, "head": 3, "size": 5},
    "cross.attention_output.kernel": {"head": 3, "size": 5, "output": 8},
    "multi_head_attention.query.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.query.bias": {"head": 1, "size": 4},
    "multi_head_attention.key.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.key.bias": {"head": 1, "size": 4},
    "multi_head_attention.value.kernel": {"input": 8, "head": 1, "size": 4},
    "multi_head_attention.value.bias": {"head": 1, "size": 4},
    "multi_head_attention.attention_output.kernel": {"head": 1, "size": 4, "output": 8},
    "multi_head_attention.attention_output.bias": {"output": 8},
    "attention.scale": {},
    "attention_1.concat_score_weight": {},
    "additive_attention.scale": {"input": 8},
    "grouped_query_attention.query.kernel": {"input": 8, "head": 4, "size": 4},
    "grouped_query_attention.query.bias": {"head": 4, "size": 4},
    "grouped_query_attention.key.kernel": {"input": 8, "head": 2, "size": 4},
    "grouped_query_attention.key.bias": {"head": 2, "size": 4},
    "grouped_query_attention.gate.kernel": {"input": 8, "head": 4, "size": 4},
    "grouped_query_attention.gate.bias": {"head": 4, "size": 4},
    "grouped_query_attention.value.kernel": {"input": 8, "head": 2, "size": 4},
    "grouped_query_attention.value.bias": {"head": 2, "size": 4},
    "grouped_query_attention.attention_output.kernel": {"head": 4, "size": 4, "output": 8},
    "grouped_query_attention.attention_output.bias": {"output": 8},
    "einsum_dense.kernel": {"c": 8, "d": 5},
    "einsum_dense.bias": {"d": 5},
    "dense.kernel": {"input": 30, "output": 3},
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
    print(AttentionNet())
