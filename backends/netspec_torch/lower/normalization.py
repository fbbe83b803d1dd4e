"""Normalization in PyTorch."""

from __future__ import annotations

from math import prod

from netspec.backend.emit.code import arguments
from netspec.graph import Node
from netspec.language.layers.base import axis_indices
from netspec.language.layers.normalization import (
    BatchNormalization,
    GroupNormalization,
    LayerNormalization,
    RMSNormalization,
    UnitNormalization,
)
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


_LAYER_NORMALIZATION = Part(
    "LayerNormalization",
    '''
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
''',
)


@lower_layer.register
def _(layer: LayerNormalization, node: Node, x: str) -> Lowered:
    shape, indices = node.shape, layer.indices(node.shape)
    expression = f"self.{node.name}({x})"
    last = indices == (*range(len(shape) - len(indices), len(shape)),)
    if last and (layer.scale or not layer.center):
        named: dict[str, object] = {"eps": layer.epsilon}
        if not layer.scale:
            named["elementwise_affine"] = False
        elif not layer.center:
            named["bias"] = False
        made = arguments([_one_or_all(shape[indices[0] :])], named)
        names = {"gamma": "weight", "beta": "bias"}
        return Lowered(expression, "nn.LayerNorm", made, parameters=names)
    dims = tuple(index + 1 for index in indices)
    sizes = tuple(size if at in indices else 1 for at, size in enumerate(shape))
    made = arguments([dims, sizes, layer.epsilon], _without(layer))
    return Lowered(expression, "LayerNormalization", made, (_LAYER_NORMALIZATION,))


def _without(layer: LayerNormalization | GroupNormalization) -> dict[str, object]:
    """The weights that the layer has not."""
    scale: dict[str, object] = {} if layer.scale else {"scale": False}
    return scale if layer.center else scale | {"center": False}


_GROUP_NORMALIZATION = Part(
    "GroupNormalization",
    '''
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
''',
)


@lower_layer.register
def _(layer: GroupNormalization, node: Node, x: str) -> Lowered:
    shape = node.shape
    dim = node.dimension(layer.channel_axis(shape))
    sizes = [layer.count(shape), *layer.sizes(shape)]
    given = x if dim == 1 else f"{x}.movedim({dim}, 1)"
    expression = f"self.{node.name}({given})" + ("" if dim == 1 else f".movedim(1, {dim})")
    flat = ""
    if node.layout == "channels_first" and layer.scale:
        # PyTorch 2.13 ends the process in the gradient of gamma for a channels_last input that
        # needs none: native_group_norm_backward (aten/src/ATen/native/group_norm.cpp).
        flat = f"self.{node.name}({x}.flatten(2)).unflatten(2, {shape[:-1]})"
    # nn.GroupNorm takes no group of a single value.
    if layer.scale != layer.center or sizes[0] == prod(shape):
        made = arguments([*sizes, layer.epsilon], _without(layer))
        parts = (_GROUP_NORMALIZATION,)
        return Lowered(expression, "GroupNormalization", made, parts, without_gradient=flat)
    named = {"eps": layer.epsilon, **({} if layer.scale else {"affine": False})}
    made, names = arguments(sizes, named), {"gamma": "weight", "beta": "bias"}
    return Lowered(expression, "nn.GroupNorm", made, parameters=names, without_gradient=flat)


@lower_layer.register
def _(layer: RMSNormalization, node: Node, x: str) -> Lowered:
    sizes = node.shape[-len(layer.axis) :]
    made = arguments([_one_or_all(sizes)], {"eps": layer.epsilon})
    names = {"scale": "weight"}
    return Lowered(f"self.{node.name}({x})", "nn.RMSNorm", made, parameters=names)


@lower_layer.register
def _(layer: UnitNormalization, node: Node, x: str) -> Lowered:
    dims = tuple(node.dimension(index) for index in axis_indices(layer.axis, node.shape))
    return Lowered(f"F.normalize({x}, dim={_one_or_all(dims)})")


def _one_or_all(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    return sizes[0] if len(sizes) == 1 else sizes
