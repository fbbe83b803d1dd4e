"""Random changes of images in PyTorch, by Keras's formulas."""

import torch
from torch import Tensor


def random_flip(x: Tensor, dims: tuple[int, ...], training: bool) -> Tensor:
    """Half of the images (n, height, width, channels) are mirrored in training."""
    if not training:
        return x
    flipped = torch.rand(len(x), 1, 1, 1, device=x.device) <= 0.5
    return torch.where(flipped, x.flip(dims), x)


def source_coordinate(position: Tensor, size: int, fill_mode: str) -> Tensor:
    """Where TensorFlow finds the value of a place that may lie outside of 0 to size - 1."""
    if fill_mode == "constant":
        return position
    if fill_mode == "reflect":
        position = position.remainder(2 * size)
        position = torch.where(position < size, position, 2 * size - 1 - position)
    if fill_mode == "wrap" and size > 1:
        turns = (position.abs() / (size - 1)).trunc()
        outside = torch.where(position > size - 1, position - size * turns, position)
        position = torch.where(position < 0, position + size * (turns + 1), outside)
    return position.clamp(0, size - 1)


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
        return value(
            *(position.sign() * (position.abs() + 0.5).floor() for position in (row, column))
        )
    top, left = row.floor(), column.floor()
    down, right = (row - top)[..., None], (column - left)[..., None]
    upper = (1 - right) * value(top, left) + right * value(top, left + 1)
    lower = (1 - right) * value(top + 1, left) + right * value(top + 1, left + 1)
    return (1 - down) * upper + down * lower


def translation(down: Tensor, right: Tensor) -> Tensor:
    """The matrices of shifts by so many rows and columns."""
    ones, zeros = torch.ones_like(down), torch.zeros_like(down)
    return torch.stack([ones, zeros, -right, zeros, ones, -down], dim=1)


def random_translation(x: Tensor, heights, widths, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are shifted in training, by parts of their size."""
    if not training:
        return x
    down = x.shape[1] * x.new_empty(len(x)).uniform_(*heights)
    right = x.shape[2] * x.new_empty(len(x)).uniform_(*widths)
    return affine_transform(x, translation(down, right), **outside)


def rotation(turns: Tensor, height: int, width: int) -> Tensor:
    """The matrices of turns about the middle of an image."""
    cos, sin = torch.cos(2 * torch.pi * turns), torch.sin(2 * torch.pi * turns)
    x, y = (width - 1) / 2, (height - 1) / 2
    columns = [cos, -sin, x - x * cos + y * sin]
    return torch.stack([*columns, sin, cos, y - x * sin - y * cos], dim=1)


def random_rotation(x: Tensor, turns, training: bool, **outside) -> Tensor:
    """Images (n, height, width, channels) are turned about their middle in training."""
    if not training:
        return x
    drawn = x.new_empty(len(x)).uniform_(*turns)
    return affine_transform(x, rotation(drawn, x.shape[1], x.shape[2]), **outside)


def zoom(down: Tensor, across: Tensor, height: int, width: int) -> Tensor:
    """The matrices of images seen from so many times as far, about their middle."""
    x, y, zero = (width - 1) / 2, (height - 1) / 2, torch.zeros_like(down)
    return torch.stack([across, zero, x - x * across, zero, down, y - y * down], dim=1)


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
