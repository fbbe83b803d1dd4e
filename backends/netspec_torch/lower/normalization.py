"""Normalization in PyTorch."""

from __future__ import annotations

from netspec.code import arguments
from netspec.graph import Node
from netspec.layers import BatchNormalization
from netspec_torch.lower.base import Lowered, Part, lower_layer

_BATCH_NORMALIZATION = Part(
    "BatchNormalization",
    '''
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
''',
)


@lower_layer.register
def _(layer: BatchNormalization, node: Node, x: str) -> Lowered:
    axis = layer.channel_axis(node.input_shape)
    named = {
        "momentum": layer.momentum,
        "epsilon": layer.epsilon,
        **({} if layer.scale else {"scale": False}),
        **({} if layer.center else {"center": False}),
        **({} if layer.trainable else {"trainable": False}),
    }
    made = arguments([node.input_shape[axis]], named)
    if node.layout == "channels_first" or len(node.shape) == 1:
        expression = f"self.{node.name}({x})"
    else:
        expression = f"self.{node.name}.along({x}, {axis + 1})"
    return Lowered(expression, "BatchNormalization", made, (_BATCH_NORMALIZATION,))
