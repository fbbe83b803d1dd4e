"""Augmentation in PyTorch: functions of images that are channels last."""

from __future__ import annotations

from netspec.backend.emit.code import arguments
from netspec.graph import Node
from netspec.language.layers.augmentation import (
    Moved,
    RandomFlip,
    RandomRotation,
    RandomTranslation,
    RandomZoom,
)
from netspec_torch.lower.base import Lowered, lower_layer


@lower_layer.register
def _(layer: RandomFlip, node: Node, x: str) -> Lowered:
    dims = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}
    return _applied("random_flip", node, x, arguments([dims[layer.mode]], {}), [])


@lower_layer.register
def _(layer: RandomTranslation, node: Node, x: str) -> Lowered:
    factors = arguments([layer.height_factor, layer.width_factor], {})
    return _applied("random_translation", node, x, factors, _outside(layer))


@lower_layer.register
def _(layer: RandomRotation, node: Node, x: str) -> Lowered:
    factors = arguments([layer.factor], {})
    return _applied("random_rotation", node, x, factors, _outside(layer))


@lower_layer.register
def _(layer: RandomZoom, node: Node, x: str) -> Lowered:
    factors = arguments([layer.height_factor, layer.width_factor], {})
    return _applied("random_zoom", node, x, factors, _outside(layer))


def _outside(layer: Moved) -> list[str]:
    """The arguments that are not at their defaults."""
    names = ("fill_mode", "interpolation", "fill_value")
    defaults = type(layer).model_fields
    values = {name: getattr(layer, name) for name in names}
    return arguments(
        [], {key: value for key, value in values.items() if value != defaults[key].default}
    )


def _applied(function: str, node: Node, x: str, factors: list[str], others: list[str]) -> Lowered:
    """A call of a function of images that are channels last."""
    first = node.layout == "channels_first"
    images = f"{x}.permute(0, 2, 3, 1)" if first else x
    called = f"{function}({', '.join([images, *factors, 'self.training', *others])})"
    return Lowered(f"{called}.permute(0, 3, 1, 2)" if first else called, needs=(function,))
