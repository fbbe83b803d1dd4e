"""What is done to values before a network sees them, in Keras."""

from __future__ import annotations

from netspec.language.layers.preprocessing import CenterCrop, Normalization, Rescaling, Resizing
from netspec_keras.lower.base import Call, changed, lower


@lower.register
def _(layer: Rescaling) -> Call:
    named = {"offset": _one_or_all(layer.offset)} if any(layer.offset) else {}
    return [_one_or_all(layer.scale)], named


@lower.register
def _(layer: Normalization) -> Call:
    named: dict[str, object] = {}
    if layer.axis != (-1,):
        named["axis"] = layer.axis and _one_or_all(layer.axis)
    named |= {"mean": _one_or_all(layer.mean), "variance": _one_or_all(layer.variance)}
    return [], named | changed(layer, "invert")


def _one_or_all(numbers: tuple[float, ...]) -> float | tuple[float, ...]:
    """An only number by itself."""
    return numbers[0] if len(numbers) == 1 else numbers


@lower.register
def _(layer: CenterCrop) -> Call:
    return [layer.height, layer.width], {}


@lower.register
def _(layer: Resizing) -> Call:
    options = ("interpolation", "crop_to_aspect_ratio", "pad_to_aspect_ratio", "fill_value")
    return [layer.height, layer.width], changed(layer, *options)
