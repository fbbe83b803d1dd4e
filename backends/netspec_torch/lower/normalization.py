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
from netspec_torch.lower.base import Lowered, lower_layer


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
    return Lowered(expression, "BatchNormalization", made, ("BatchNormalization",))


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
    return Lowered(expression, "LayerNormalization", made, ("LayerNormalization",))


def _without(layer: LayerNormalization | GroupNormalization) -> dict[str, object]:
    """The weights that the layer has not."""
    scale: dict[str, object] = {} if layer.scale else {"scale": False}
    return scale if layer.center else scale | {"center": False}


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
        parts = ("GroupNormalization",)
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
