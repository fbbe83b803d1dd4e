"""The network mnist_vit in PyTorch.

Written by netspec; runs without it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class AdamW(torch.optim.Optimizer):
    """Adam by PyTorch's kernel, with Keras's epsilon, which stands outside the bias correction."""

    def __init__(self, parameters, learning_rate, beta_1, beta_2, epsilon, weight_decay) -> None:
        super().__init__(parameters, {"lr": learning_rate, "steps": 0})
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon
        self.weight_decay = weight_decay
        for w in self.param_groups[0]["params"]:
            self.state[w]["exp_avg"] = torch.zeros_like(w)
            self.state[w]["exp_avg_sq"] = torch.zeros_like(w)

    def numbers(self) -> list:
        """What changes from step to step: the numbers that the next update takes."""
        (group,) = self.param_groups
        group["steps"] += 1
        t = group["steps"]
        lr = group["lr"]
        return [lr * (1 - self.beta_2**t) ** 0.5 / (1 - self.beta_1**t), 1 - lr * self.weight_decay]

    @torch.no_grad()
    def update(self, rate, decay) -> None:
        """Move the weights; each number may be a tensor of one value."""
        (group,) = self.param_groups
        weights = [w for w in group["params"] if w.grad is not None]
        gradients = [w.grad for w in weights]
        exp_avg = [self.state[w]["exp_avg"] for w in weights]
        exp_avg_sq = [self.state[w]["exp_avg_sq"] for w in weights]
        torch._foreach_mul_(weights, decay)
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


class MnistVit(nn.Module):
    """Inputs (28, 28, 1), channels last, divided by 255, to probabilities (10)."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(1, 64, 7, stride=7)
        self.layer_normalization = LayerNormalization((1, 2), (16, 64), 0.001, scale=False)
        self.encoder_0_self_attention_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_0_self_attention_multi_head_attention = MultiHeadAttention(
            query=64,
            value=64,
            key=64,
            output=64,
            num_heads=4,
            key_dim=16,
            value_dim=16,
        )
        self.encoder_0_perceptron_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_0_perceptron_dense = nn.Linear(64, 128)
        self.encoder_0_perceptron_dense_1 = nn.Linear(128, 64)
        self.encoder_1_self_attention_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_1_self_attention_multi_head_attention = MultiHeadAttention(
            query=64,
            value=64,
            key=64,
            output=64,
            num_heads=4,
            key_dim=16,
            value_dim=16,
        )
        self.encoder_1_perceptron_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_1_perceptron_dense = nn.Linear(64, 128)
        self.encoder_1_perceptron_dense_1 = nn.Linear(128, 64)
        self.encoder_2_self_attention_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_2_self_attention_multi_head_attention = MultiHeadAttention(
            query=64,
            value=64,
            key=64,
            output=64,
            num_heads=4,
            key_dim=16,
            value_dim=16,
        )
        self.encoder_2_perceptron_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_2_perceptron_dense = nn.Linear(64, 128)
        self.encoder_2_perceptron_dense_1 = nn.Linear(128, 64)
        self.encoder_3_self_attention_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_3_self_attention_multi_head_attention = MultiHeadAttention(
            query=64,
            value=64,
            key=64,
            output=64,
            num_heads=4,
            key_dim=16,
            value_dim=16,
        )
        self.encoder_3_perceptron_layer_normalization = nn.LayerNorm(64, eps=1e-06)
        self.encoder_3_perceptron_dense = nn.Linear(64, 128)
        self.encoder_3_perceptron_dense_1 = nn.Linear(128, 64)
        self.layer_normalization_1 = nn.LayerNorm(64, eps=1e-06)
        self.dense = nn.Linear(64, 10)
        self.reset_parameters()
        self.to(memory_format=torch.channels_last)

    def reset_parameters(self) -> None:
        nn.init.xavier_uniform_(self.patches.weight)
        nn.init.zeros_(self.patches.bias)
        nn.init.zeros_(self.layer_normalization.beta)
        nn.init.ones_(self.encoder_0_self_attention_layer_normalization.weight)
        nn.init.zeros_(self.encoder_0_self_attention_layer_normalization.bias)
        nn.init.uniform_(
            self.encoder_0_self_attention_multi_head_attention.query.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_0_self_attention_multi_head_attention.query.bias)
        nn.init.uniform_(
            self.encoder_0_self_attention_multi_head_attention.key.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_0_self_attention_multi_head_attention.key.bias)
        nn.init.uniform_(
            self.encoder_0_self_attention_multi_head_attention.value.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_0_self_attention_multi_head_attention.value.bias)
        nn.init.uniform_(
            self.encoder_0_self_attention_multi_head_attention.attention_output.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_0_self_attention_multi_head_attention.attention_output.bias)
        nn.init.ones_(self.encoder_0_perceptron_layer_normalization.weight)
        nn.init.zeros_(self.encoder_0_perceptron_layer_normalization.bias)
        nn.init.xavier_uniform_(self.encoder_0_perceptron_dense.weight)
        nn.init.zeros_(self.encoder_0_perceptron_dense.bias)
        nn.init.xavier_uniform_(self.encoder_0_perceptron_dense_1.weight)
        nn.init.zeros_(self.encoder_0_perceptron_dense_1.bias)
        nn.init.ones_(self.encoder_1_self_attention_layer_normalization.weight)
        nn.init.zeros_(self.encoder_1_self_attention_layer_normalization.bias)
        nn.init.uniform_(
            self.encoder_1_self_attention_multi_head_attention.query.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_1_self_attention_multi_head_attention.query.bias)
        nn.init.uniform_(
            self.encoder_1_self_attention_multi_head_attention.key.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_1_self_attention_multi_head_attention.key.bias)
        nn.init.uniform_(
            self.encoder_1_self_attention_multi_head_attention.value.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_1_self_attention_multi_head_attention.value.bias)
        nn.init.uniform_(
            self.encoder_1_self_attention_multi_head_attention.attention_output.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_1_self_attention_multi_head_attention.attention_output.bias)
        nn.init.ones_(self.encoder_1_perceptron_layer_normalization.weight)
        nn.init.zeros_(self.encoder_1_perceptron_layer_normalization.bias)
        nn.init.xavier_uniform_(self.encoder_1_perceptron_dense.weight)
        nn.init.zeros_(self.encoder_1_perceptron_dense.bias)
        nn.init.xavier_uniform_(self.encoder_1_perceptron_dense_1.weight)
        nn.init.zeros_(self.encoder_1_perceptron_dense_1.bias)
        nn.init.ones_(self.encoder_2_self_attention_layer_normalization.weight)
        nn.init.zeros_(self.encoder_2_self_attention_layer_normalization.bias)
        nn.init.uniform_(
            self.encoder_2_self_attention_multi_head_attention.query.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_2_self_attention_multi_head_attention.query.bias)
        nn.init.uniform_(
            self.encoder_2_self_attention_multi_head_attention.key.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_2_self_attention_multi_head_attention.key.bias)
        nn.init.uniform_(
            self.encoder_2_self_attention_multi_head_attention.value.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_2_self_attention_multi_head_attention.value.bias)
        nn.init.uniform_(
            self.encoder_2_self_attention_multi_head_attention.attention_output.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_2_self_attention_multi_head_attention.attention_output.bias)
        nn.init.ones_(self.encoder_2_perceptron_layer_normalization.weight)
        nn.init.zeros_(self.encoder_2_perceptron_layer_normalization.bias)
        nn.init.xavier_uniform_(self.encoder_2_perceptron_dense.weight)
        nn.init.zeros_(self.encoder_2_perceptron_dense.bias)
        nn.init.xavier_uniform_(self.encoder_2_perceptron_dense_1.weight)
        nn.init.zeros_(self.encoder_2_perceptron_dense_1.bias)
        nn.init.ones_(self.encoder_3_self_attention_layer_normalization.weight)
        nn.init.zeros_(self.encoder_3_self_attention_layer_normalization.bias)
        nn.init.uniform_(
            self.encoder_3_self_attention_multi_head_attention.query.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_3_self_attention_multi_head_attention.query.bias)
        nn.init.uniform_(
            self.encoder_3_self_attention_multi_head_attention.key.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_3_self_attention_multi_head_attention.key.bias)
        nn.init.uniform_(
            self.encoder_3_self_attention_multi_head_attention.value.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_3_self_attention_multi_head_attention.value.bias)
        nn.init.uniform_(
            self.encoder_3_self_attention_multi_head_attention.attention_output.kernel,
            -0.21650635094610965,
            0.21650635094610965,
        )
        nn.init.zeros_(self.encoder_3_self_attention_multi_head_attention.attention_output.bias)
        nn.init.ones_(self.encoder_3_perceptron_layer_normalization.weight)
        nn.init.zeros_(self.encoder_3_perceptron_layer_normalization.bias)
        nn.init.xavier_uniform_(self.encoder_3_perceptron_dense.weight)
        nn.init.zeros_(self.encoder_3_perceptron_dense.bias)
        nn.init.xavier_uniform_(self.encoder_3_perceptron_dense_1.weight)
        nn.init.zeros_(self.encoder_3_perceptron_dense_1.bias)
        nn.init.ones_(self.layer_normalization_1.weight)
        nn.init.zeros_(self.layer_normalization_1.bias)
        nn.init.xavier_uniform_(self.dense.weight)
        nn.init.zeros_(self.dense.bias)

    def logits(self, x: Tensor) -> Tensor:
        x = x.permute(0, 3, 1, 2)  # (1, 28, 28)
        x = self.patches(x)  # (64, 4, 4)
        x = x.permute(0, 2, 3, 1)  # (4, 4, 64)
        x = x.reshape(-1, 16, 64)  # (16, 64)
        layer_normalization = self.layer_normalization(x)  # (16, 64)
        x = self.encoder_0_self_attention_layer_normalization(layer_normalization)  # (16, 64)
        x = self.encoder_0_self_attention_multi_head_attention(x, x, x)  # (16, 64)
        encoder_0_self_attention_add = layer_normalization + x  # (16, 64)
        x = self.encoder_0_perceptron_layer_normalization(encoder_0_self_attention_add)  # (16, 64)
        x = self.encoder_0_perceptron_dense(x)  # (16, 128)
        x = F.gelu(x)  # (16, 128)
        x = self.encoder_0_perceptron_dense_1(x)  # (16, 64)
        encoder_0_perceptron_add = encoder_0_self_attention_add + x  # (16, 64)
        x = self.encoder_1_self_attention_layer_normalization(encoder_0_perceptron_add)  # (16, 64)
        x = self.encoder_1_self_attention_multi_head_attention(x, x, x)  # (16, 64)
        encoder_1_self_attention_add = encoder_0_perceptron_add + x  # (16, 64)
        x = self.encoder_1_perceptron_layer_normalization(encoder_1_self_attention_add)  # (16, 64)
        x = self.encoder_1_perceptron_dense(x)  # (16, 128)
        x = F.gelu(x)  # (16, 128)
        x = self.encoder_1_perceptron_dense_1(x)  # (16, 64)
        encoder_1_perceptron_add = encoder_1_self_attention_add + x  # (16, 64)
        x = self.encoder_2_self_attention_layer_normalization(encoder_1_perceptron_add)  # (16, 64)
        x = self.encoder_2_self_attention_multi_head_attention(x, x, x)  # (16, 64)
        encoder_2_self_attention_add = encoder_1_perceptron_add + x  # (16, 64)
        x = self.encoder_2_perceptron_layer_normalization(encoder_2_self_attention_add)  # (16, 64)
        x = self.encoder_2_perceptron_dense(x)  # (16, 128)
        x = F.gelu(x)  # (16, 128)
        x = self.encoder_2_perceptron_dense_1(x)  # (16, 64)
        encoder_2_perceptron_add = encoder_2_self_attention_add + x  # (16, 64)
        x = self.encoder_3_self_attention_layer_normalization(encoder_2_perceptron_add)  # (16, 64)
        x = self.encoder_3_self_attention_multi_head_attention(x, x, x)  # (16, 64)
        encoder_3_self_attention_add = encoder_2_perceptron_add + x  # (16, 64)
        x = self.encoder_3_perceptron_layer_normalization(encoder_3_self_attention_add)  # (16, 64)
        x = self.encoder_3_perceptron_dense(x)  # (16, 128)
        x = F.gelu(x)  # (16, 128)
        x = self.encoder_3_perceptron_dense_1(x)  # (16, 64)
        x = encoder_3_self_attention_add + x  # (16, 64)
        x = self.layer_normalization_1(x)  # (16, 64)
        x = x.permute(0, 2, 1)  # (64, 16)
        x = x.mean(2)  # (64)
        return self.dense(x)  # (10)

    def forward(self, x: Tensor) -> Tensor:
        return torch.softmax(self.logits(x), dim=-1)


def build_model() -> MnistVit:
    return MnistVit()


def build_optimizer(model: nn.Module) -> torch.optim.Optimizer:
    return AdamW(
        model.parameters(),
        learning_rate=0.001,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-07,
        weight_decay=0.0001,
    )


def build_loss() -> nn.Module:
    """The loss on logits."""
    return nn.CrossEntropyLoss()


# Where each weight of a weights file is in the model, and the permutation of its axes.
WEIGHTS = {
    "patches.kernel": ("patches.weight", (3, 2, 0, 1)),
    "patches.bias": ("patches.bias", (0,)),
    "layer_normalization.beta": ("layer_normalization.beta", (0, 1)),
    "encoder_0/self_attention/layer_normalization.gamma": (
        "encoder_0_self_attention_layer_normalization.weight",
        (0,),
    ),
    "encoder_0/self_attention/layer_normalization.beta": (
        "encoder_0_self_attention_layer_normalization.bias",
        (0,),
    ),
    "encoder_0/self_attention/multi_head_attention.query.kernel": (
        "encoder_0_self_attention_multi_head_attention.query.kernel",
        (0, 1, 2),
    ),
    "encoder_0/self_attention/multi_head_attention.query.bias": (
        "encoder_0_self_attention_multi_head_attention.query.bias",
        (0, 1),
    ),
    "encoder_0/self_attention/multi_head_attention.key.kernel": (
        "encoder_0_self_attention_multi_head_attention.key.kernel",
        (0, 1, 2),
    ),
    "encoder_0/self_attention/multi_head_attention.key.bias": (
        "encoder_0_self_attention_multi_head_attention.key.bias",
        (0, 1),
    ),
    "encoder_0/self_attention/multi_head_attention.value.kernel": (
        "encoder_0_self_attention_multi_head_attention.value.kernel",
        (0, 1, 2),
    ),
    "encoder_0/self_attention/multi_head_attention.value.bias": (
        "encoder_0_self_attention_multi_head_attention.value.bias",
        (0, 1),
    ),
    "encoder_0/self_attention/multi_head_attention.attention_output.kernel": (
        "encoder_0_self_attention_multi_head_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "encoder_0/self_attention/multi_head_attention.attention_output.bias": (
        "encoder_0_self_attention_multi_head_attention.attention_output.bias",
        (0,),
    ),
    "encoder_0/perceptron/layer_normalization.gamma": (
        "encoder_0_perceptron_layer_normalization.weight",
        (0,),
    ),
    "encoder_0/perceptron/layer_normalization.beta": (
        "encoder_0_perceptron_layer_normalization.bias",
        (0,),
    ),
    "encoder_0/perceptron/dense.kernel": ("encoder_0_perceptron_dense.weight", (1, 0)),
    "encoder_0/perceptron/dense.bias": ("encoder_0_perceptron_dense.bias", (0,)),
    "encoder_0/perceptron/dense_1.kernel": ("encoder_0_perceptron_dense_1.weight", (1, 0)),
    "encoder_0/perceptron/dense_1.bias": ("encoder_0_perceptron_dense_1.bias", (0,)),
    "encoder_1/self_attention/layer_normalization.gamma": (
        "encoder_1_self_attention_layer_normalization.weight",
        (0,),
    ),
    "encoder_1/self_attention/layer_normalization.beta": (
        "encoder_1_self_attention_layer_normalization.bias",
        (0,),
    ),
    "encoder_1/self_attention/multi_head_attention.query.kernel": (
        "encoder_1_self_attention_multi_head_attention.query.kernel",
        (0, 1, 2),
    ),
    "encoder_1/self_attention/multi_head_attention.query.bias": (
        "encoder_1_self_attention_multi_head_attention.query.bias",
        (0, 1),
    ),
    "encoder_1/self_attention/multi_head_attention.key.kernel": (
        "encoder_1_self_attention_multi_head_attention.key.kernel",
        (0, 1, 2),
    ),
    "encoder_1/self_attention/multi_head_attention.key.bias": (
        "encoder_1_self_attention_multi_head_attention.key.bias",
        (0, 1),
    ),
    "encoder_1/self_attention/multi_head_attention.value.kernel": (
        "encoder_1_self_attention_multi_head_attention.value.kernel",
        (0, 1, 2),
    ),
    "encoder_1/self_attention/multi_head_attention.value.bias": (
        "encoder_1_self_attention_multi_head_attention.value.bias",
        (0, 1),
    ),
    "encoder_1/self_attention/multi_head_attention.attention_output.kernel": (
        "encoder_1_self_attention_multi_head_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "encoder_1/self_attention/multi_head_attention.attention_output.bias": (
        "encoder_1_self_attention_multi_head_attention.attention_output.bias",
        (0,),
    ),
    "encoder_1/perceptron/layer_normalization.gamma": (
        "encoder_1_perceptron_layer_normalization.weight",
        (0,),
    ),
    "encoder_1/perceptron/layer_normalization.beta": (
        "encoder_1_perceptron_layer_normalization.bias",
        (0,),
    ),
    "encoder_1/perceptron/dense.kernel": ("encoder_1_perceptron_dense.weight", (1, 0)),
    "encoder_1/perceptron/dense.bias": ("encoder_1_perceptron_dense.bias", (0,)),
    "encoder_1/perceptron/dense_1.kernel": ("encoder_1_perceptron_dense_1.weight", (1, 0)),
    "encoder_1/perceptron/dense_1.bias": ("encoder_1_perceptron_dense_1.bias", (0,)),
    "encoder_2/self_attention/layer_normalization.gamma": (
        "encoder_2_self_attention_layer_normalization.weight",
        (0,),
    ),
    "encoder_2/self_attention/layer_normalization.beta": (
        "encoder_2_self_attention_layer_normalization.bias",
        (0,),
    ),
    "encoder_2/self_attention/multi_head_attention.query.kernel": (
        "encoder_2_self_attention_multi_head_attention.query.kernel",
        (0, 1, 2),
    ),
    "encoder_2/self_attention/multi_head_attention.query.bias": (
        "encoder_2_self_attention_multi_head_attention.query.bias",
        (0, 1),
    ),
    "encoder_2/self_attention/multi_head_attention.key.kernel": (
        "encoder_2_self_attention_multi_head_attention.key.kernel",
        (0, 1, 2),
    ),
    "encoder_2/self_attention/multi_head_attention.key.bias": (
        "encoder_2_self_attention_multi_head_attention.key.bias",
        (0, 1),
    ),
    "encoder_2/self_attention/multi_head_attention.value.kernel": (
        "encoder_2_self_attention_multi_head_attention.value.kernel",
        (0, 1, 2),
    ),
    "encoder_2/self_attention/multi_head_attention.value.bias": (
        "encoder_2_self_attention_multi_head_attention.value.bias",
        (0, 1),
    ),
    "encoder_2/self_attention/multi_head_attention.attention_output.kernel": (
        "encoder_2_self_attention_multi_head_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "encoder_2/self_attention/multi_head_attention.attention_output.bias": (
        "encoder_2_self_attention_multi_head_attention.attention_output.bias",
        (0,),
    ),
    "encoder_2/perceptron/layer_normalization.gamma": (
        "encoder_2_perceptron_layer_normalization.weight",
        (0,),
    ),
    "encoder_2/perceptron/layer_normalization.beta": (
        "encoder_2_perceptron_layer_normalization.bias",
        (0,),
    ),
    "encoder_2/perceptron/dense.kernel": ("encoder_2_perceptron_dense.weight", (1, 0)),
    "encoder_2/perceptron/dense.bias": ("encoder_2_perceptron_dense.bias", (0,)),
    "encoder_2/perceptron/dense_1.kernel": ("encoder_2_perceptron_dense_1.weight", (1, 0)),
    "encoder_2/perceptron/dense_1.bias": ("encoder_2_perceptron_dense_1.bias", (0,)),
    "encoder_3/self_attention/layer_normalization.gamma": (
        "encoder_3_self_attention_layer_normalization.weight",
        (0,),
    ),
    "encoder_3/self_attention/layer_normalization.beta": (
        "encoder_3_self_attention_layer_normalization.bias",
        (0,),
    ),
    "encoder_3/self_attention/multi_head_attention.query.kernel": (
        "encoder_3_self_attention_multi_head_attention.query.kernel",
        (0, 1, 2),
    ),
    "encoder_3/self_attention/multi_head_attention.query.bias": (
        "encoder_3_self_attention_multi_head_attention.query.bias",
        (0, 1),
    ),
    "encoder_3/self_attention/multi_head_attention.key.kernel": (
        "encoder_3_self_attention_multi_head_attention.key.kernel",
        (0, 1, 2),
    ),
    "encoder_3/self_attention/multi_head_attention.key.bias": (
        "encoder_3_self_attention_multi_head_attention.key.bias",
        (0, 1),
    ),
    "encoder_3/self_attention/multi_head_attention.value.kernel": (
        "encoder_3_self_attention_multi_head_attention.value.kernel",
        (0, 1, 2),
    ),
    "encoder_3/self_attention/multi_head_attention.value.bias": (
        "encoder_3_self_attention_multi_head_attention.value.bias",
        (0, 1),
    ),
    "encoder_3/self_attention/multi_head_attention.attention_output.kernel": (
        "encoder_3_self_attention_multi_head_attention.attention_output.kernel",
        (0, 1, 2),
    ),
    "encoder_3/self_attention/multi_head_attention.attention_output.bias": (
        "encoder_3_self_attention_multi_head_attention.attention_output.bias",
        (0,),
    ),
    "encoder_3/perceptron/layer_normalization.gamma": (
        "encoder_3_perceptron_layer_normalization.weight",
        (0,),
    ),
    "encoder_3/perceptron/layer_normalization.beta": (
        "encoder_3_perceptron_layer_normalization.bias",
        (0,),
    ),
    "encoder_3/perceptron/dense.kernel": ("encoder_3_perceptron_dense.weight", (1, 0)),
    "encoder_3/perceptron/dense.bias": ("encoder_3_perceptron_dense.bias", (0,)),
    "encoder_3/perceptron/dense_1.kernel": ("encoder_3_perceptron_dense_1.weight", (1, 0)),
    "encoder_3/perceptron/dense_1.bias": ("encoder_3_perceptron_dense_1.bias", (0,)),
    "layer_normalization_1.gamma": ("layer_normalization_1.weight", (0,)),
    "layer_normalization_1.beta": ("layer_normalization_1.bias", (0,)),
    "dense.kernel": ("dense.weight", (1, 0)),
    "dense.bias": ("dense.bias", (0,)),
}


# The axes of every weight in a weights file.
AXES = {
    "patches.kernel": {"height": 7, "width": 7, "input": 1, "output": 64},
    "patches.bias": {"output": 64},
    "layer_normalization.beta": {"axis0": 16, "axis1": 64},
    "encoder_0/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_0/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_0/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_0/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_0/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_0/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_0/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_0/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_0/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_0/perceptron/dense.bias": {"output": 128},
    "encoder_0/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_0/perceptron/dense_1.bias": {"output": 64},
    "encoder_1/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_1/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_1/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_1/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_1/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_1/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_1/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_1/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_1/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_1/perceptron/dense.bias": {"output": 128},
    "encoder_1/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_1/perceptron/dense_1.bias": {"output": 64},
    "encoder_2/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_2/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_2/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_2/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_2/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_2/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_2/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_2/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_2/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_2/perceptron/dense.bias": {"output": 128},
    "encoder_2/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_2/perceptron/dense_1.bias": {"output": 64},
    "encoder_3/self_attention/layer_normalization.gamma": {"axis0": 64},
    "encoder_3/self_attention/layer_normalization.beta": {"axis0": 64},
    "encoder_3/self_attention/multi_head_attention.query.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.query.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.key.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.key.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.value.kernel": {
        "input": 64,
        "head": 4,
        "size": 16,
    },
    "encoder_3/self_attention/multi_head_attention.value.bias": {"head": 4, "size": 16},
    "encoder_3/self_attention/multi_head_attention.attention_output.kernel": {
        "head": 4,
        "size": 16,
        "output": 64,
    },
    "encoder_3/self_attention/multi_head_attention.attention_output.bias": {"output": 64},
    "encoder_3/perceptron/layer_normalization.gamma": {"axis0": 64},
    "encoder_3/perceptron/layer_normalization.beta": {"axis0": 64},
    "encoder_3/perceptron/dense.kernel": {"input": 64, "output": 128},
    "encoder_3/perceptron/dense.bias": {"output": 128},
    "encoder_3/perceptron/dense_1.kernel": {"input": 128, "output": 64},
    "encoder_3/perceptron/dense_1.bias": {"output": 64},
    "layer_normalization_1.gamma": {"axis0": 64},
    "layer_normalization_1.beta": {"axis0": 64},
    "dense.kernel": {"input": 64, "output": 10},
    "dense.bias": {"output": 10},
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
    print(MnistVit())
