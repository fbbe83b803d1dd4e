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
from netspec_torch.lower.base import Lowered, Part, lower_layer

_RANDOM_FLIP = Part(
    "random_flip",
    '''
def random_flip(x: Tensor, dims: tuple[int, ...], training: bool) -> Tensor:
    """Half of the images (n, height, width, channels) are mirrored in training."""
    if not training:
        return x
    flipped = torch.rand(len(x), 1, 1, 1, device=x.device) <= 0.5
    return torch.where(flipped, x.flip(dims), x)
''',
)


@lower_layer.register
def _(layer: RandomFlip, node: Node, x: str) -> Lowered:
    dims = {"horizontal": (2,), "vertical": (1,), "horizontal_and_vertical": (1, 2)}
    return _applied(_RANDOM_FLIP, node, x, arguments([dims[layer.mode]], {}), [])


_SOURCE_COORDINATE = Part(
    "source_coordinate",  # tensorflow/core/kernels/image/image_ops.h, 2.21
    '''
def source_coordinate(at: Tensor, size: int, fill_mode: str) -> Tensor:
    """Where TensorFlow finds the value of a place that may lie outside of 0 to size - 1."""
    if fill_mode == "constant":
        return at
    if fill_mode == "reflect":
        at = at.remainder(2 * size)
        at = torch.where(at < size, at, 2 * size - 1 - at)
    if fill_mode == "wrap" and size > 1:
        turns = (at.abs() / (size - 1)).trunc()
        outside = torch.where(at > size - 1, at - size * turns, at)
        at = torch.where(at < 0, at + size * (turns + 1), outside)
    return at.clamp(0, size - 1)
''',
)

_AFFINE_TRANSFORM = Part(
    "affine_transform",
    '''
def affine_transform(
    x: Tensor,
    matrix: Tensor,
    fill_mode: str = "reflect",
    interpolation: str = "bilinear",
    fill_value: float = 0.0,
) -> Tensor:
    """Images (n, height, width, channels) whose values come from elsewhere; matrix (n, 6).

    With the row a, b, c, d, e, f, the value at column j of row i is that at column a j + b i + c of
    row d j + e i + f.
    """
    count, height, width, _ = x.shape
    a, b, c, d, e, f = matrix[:, :, None, None].unbind(1)
    i, j = torch.arange(height, device=x.device)[:, None], torch.arange(width, device=x.device)
    column = source_coordinate(a * j + b * i + c, width, fill_mode)
    row = source_coordinate(d * j + e * i + f, height, fill_mode)
    image = torch.arange(count, device=x.device)[:, None, None]

    def value(row: Tensor, column: Tensor) -> Tensor:
        inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
        row, column = row.clamp(0, height - 1).long(), column.clamp(0, width - 1).long()
        return torch.where(inside[..., None], x[image, row, column], fill_value)

    if interpolation == "nearest":  # halves are rounded away from 0
        return value(*(at.sign() * (at.abs() + 0.5).floor() for at in (row, column)))
    top, left = row.floor(), column.floor()
    down, right = (row - top)[..., None], (column - left)[..., None]
    upper = (1 - right) * value(top, left) + right * value(top, left + 1)
    lower = (1 - right) * value(top + 1, left) + right * value(top + 1, left + 1)
    return (1 - down) * upper + down * lower
''',
    (_SOURCE_COORDINATE,),
)

_TRANSLATION = Part(
    "translation",
    '''
def translation(down: Tensor, right: Tensor) -> Tensor:
    """The matrices of shifts by so many rows and columns."""
    one, zero = torch.ones_like(down), torch.zeros_like(down)
    return torch.stack([one, zero, -right, zero, one, -down], dim=1)
''',
)

_RANDOM_TRANSLATION = Part(
    "random_translation",
    '''
def random_translation(x: Tensor, heights, widths, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are shifted in training, by parts of their size."""
    if not training:
        return x
    down = x.shape[1] * x.new_empty(len(x)).uniform_(*heights)
    right = x.shape[2] * x.new_empty(len(x)).uniform_(*widths)
    return affine_transform(x, translation(down, right), **outside)
''',
    (_TRANSLATION, _AFFINE_TRANSFORM),
)


@lower_layer.register
def _(layer: RandomTranslation, node: Node, x: str) -> Lowered:
    factors = arguments([layer.height_factor, layer.width_factor], {})
    return _applied(_RANDOM_TRANSLATION, node, x, factors, _outside(layer))


_ROTATION = Part(
    "rotation",
    '''
def rotation(turns: Tensor, height: int, width: int) -> Tensor:
    """The matrices of turns about the middle of an image."""
    cos, sin = torch.cos(2 * torch.pi * turns), torch.sin(2 * torch.pi * turns)
    x, y = (width - 1) / 2, (height - 1) / 2
    columns = [cos, -sin, x - x * cos + y * sin]
    return torch.stack([*columns, sin, cos, y - x * sin - y * cos], dim=1)
''',
)

_RANDOM_ROTATION = Part(
    "random_rotation",
    '''
def random_rotation(x: Tensor, turns, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are turned about their middle in training."""
    if not training:
        return x
    drawn = x.new_empty(len(x)).uniform_(*turns)
    return affine_transform(x, rotation(drawn, x.shape[1], x.shape[2]), **outside)
''',
    (_ROTATION, _AFFINE_TRANSFORM),
)


@lower_layer.register
def _(layer: RandomRotation, node: Node, x: str) -> Lowered:
    factors = arguments([layer.factor], {})
    return _applied(_RANDOM_ROTATION, node, x, factors, _outside(layer))


_ZOOM = Part(
    "zoom",
    '''
def zoom(down: Tensor, across: Tensor, height: int, width: int) -> Tensor:
    """The matrices of images seen from so many times as far, about their middle."""
    x, y, zero = (width - 1) / 2, (height - 1) / 2, torch.zeros_like(down)
    return torch.stack([across, zero, x - x * across, zero, down, y - y * down], dim=1)
''',
)

_RANDOM_ZOOM = Part(
    "random_zoom",
    '''
def random_zoom(x: Tensor, heights, widths, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are shrunk or enlarged about their middle in training.

    Without `widths` they keep their proportions.
    """
    if not training:
        return x
    down = across = 1 + x.new_empty(len(x)).uniform_(*heights)
    if widths is not None:
        across = 1 + x.new_empty(len(x)).uniform_(*widths)
    return affine_transform(x, zoom(down, across, x.shape[1], x.shape[2]), **outside)
''',
    (_ZOOM, _AFFINE_TRANSFORM),
)


@lower_layer.register
def _(layer: RandomZoom, node: Node, x: str) -> Lowered:
    factors = arguments([layer.height_factor, layer.width_factor], {})
    return _applied(_RANDOM_ZOOM, node, x, factors, _outside(layer))


def _outside(layer: Moved) -> list[str]:
    """The arguments that are not at their defaults."""
    names = ("fill_mode", "interpolation", "fill_value")
    defaults = type(layer).model_fields
    values = {name: getattr(layer, name) for name in names}
    return arguments([], {key: it for key, it in values.items() if it != defaults[key].default})


def _applied(part: Part, node: Node, x: str, factors: list[str], others: list[str]) -> Lowered:
    """A call of the part's function on images that it finds channels last."""
    first = node.layout == "channels_first"
    given = f"{x}.permute(0, 2, 3, 1)" if first else x
    called = f"{part.name}({', '.join([given, *factors, 'self.training', *others])})"
    return Lowered(f"{called}.permute(0, 3, 1, 2)" if first else called, needs=(part,))
