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
    call_arguments = arguments([node.input_shape[axis]], named)
    if node.layout == "channels_first" or len(node.shape) == 1:
        expression = f"self.{node.name}({x})"
    else:
        expression = f"self.{node.name}.along({x}, {axis + 1})"
    return Lowered(expression, "BatchNormalization", call_arguments, ("BatchNormalization",))


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
        call_arguments = arguments([_one_or_all(shape[indices[0] :])], named)
        names = {"gamma": "weight", "beta": "bias"}
        return Lowered(expression, "nn.LayerNorm", call_arguments, parameters=names)
    dims = tuple(index + 1 for index in indices)
    sizes = tuple(size if axis in indices else 1 for axis, size in enumerate(shape))
    call_arguments = arguments([dims, sizes, layer.epsilon], _without(layer))
    return Lowered(expression, "LayerNormalization", call_arguments, ("LayerNormalization",))


def _without(layer: LayerNormalization | GroupNormalization) -> dict[str, object]:
    """The weights that the layer has not."""
    scale: dict[str, object] = {} if layer.scale else {"scale": False}
    return scale if layer.center else scale | {"center": False}


@lower_layer.register
def _(layer: GroupNormalization, node: Node, x: str) -> Lowered:
    shape = node.shape
    dim = node.dimension(layer.channel_axis(shape))
    sizes = [layer.count(shape), *layer.sizes(shape)]
    moved = x if dim == 1 else f"{x}.movedim({dim}, 1)"
    expression = f"self.{node.name}({moved})" + ("" if dim == 1 else f".movedim(1, {dim})")
    flat = ""
    if node.layout == "channels_first" and layer.scale:
        # PyTorch 2.13 ends the process in the gradient of gamma for a channels_last input that
        # needs none: native_group_norm_backward (aten/src/ATen/native/group_norm.cpp).
        flat = f"self.{node.name}({x}.flatten(2)).unflatten(2, {shape[:-1]})"
    # nn.GroupNorm takes no group of a single value.
    if layer.scale != layer.center or sizes[0] == prod(shape):
        call_arguments = arguments([*sizes, layer.epsilon], _without(layer))
        parts = ("GroupNormalization",)
        return Lowered(
            expression, "GroupNormalization", call_arguments, parts, without_gradient=flat
        )
    named = {"eps": layer.epsilon, **({} if layer.scale else {"affine": False})}
    call_arguments, names = arguments(sizes, named), {"gamma": "weight", "beta": "bias"}
    return Lowered(
        expression, "nn.GroupNorm", call_arguments, parameters=names, without_gradient=flat
    )


@lower_layer.register
def _(layer: RMSNormalization, node: Node, x: str) -> Lowered:
    sizes = node.shape[-len(layer.axis) :]
    call_arguments = arguments([_one_or_all(sizes)], {"eps": layer.epsilon})
    names = {"scale": "weight"}
    return Lowered(f"self.{node.name}({x})", "nn.RMSNorm", call_arguments, parameters=names)


@lower_layer.register
def _(layer: UnitNormalization, node: Node, x: str) -> Lowered:
    dims = tuple(node.dimension(index) for index in axis_indices(layer.axis, node.shape))
    return Lowered(f"F.normalize({x}, dim={_one_or_all(dims)})")


def _one_or_all(sizes: tuple[int, ...]) -> int | tuple[int, ...]:
    return sizes[0] if len(sizes) == 1 else sizes
