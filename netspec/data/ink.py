"""A user's image of a digit, prepared as the images of MNIST or of scikit-learn's digits were."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from netspec.numerics.weights import Array

LARGEST_SIDE = 1024
"""An image with a longer side is made smaller first: no digit needs more pixels."""

VISIBLE = 0.5
"""The part of the largest contrast from which on a pixel is ink."""

SOFT = 0.25
"""How far from `VISIBLE` a pixel is neither ink nor paper but the edge between them."""

MNIST_SIZE, MNIST_BOX = 28, 20
CENTRED = 0.51
"""How far the centre of mass of an image of MNIST is from the middle; half a pixel, rounded."""
DIGITS_SIZE, DIGITS_BITMAP, DIGITS_BLOCK = 8, 32, 4


@dataclass(frozen=True)
class PreparedDigit:
    """An image (height, width) from 0, paper, to 255, ink; and what was done to it, in words."""

    image: Array
    steps: tuple[str, ...]


def prepare_mnist(grey: Array) -> PreparedDigit:
    """Crop the ink, scale it into 20x20, and place its centre of mass in the middle of 28x28.

    `grey` (height, width) has values from 0 to 255. Light ink on dark paper that is already like
    this is unchanged. See http://yann.lecun.com/exdb/mnist/.
    """
    return _prepared(grey, _is_like_mnist, _as_mnist)


def prepare_digits(grey: Array) -> PreparedDigit:
    """Scale the ink into a bitmap of 32x32, and count the ink in blocks of 4x4.

    `grey` (height, width) has values from 0 to 255. An image of 8x8 only gets light ink on dark
    paper. See https://archive.ics.uci.edu/dataset/80.
    """
    return _prepared(grey, _is_like_digits, _as_digits)


PREPARATIONS: Mapping[str, Callable[[Array], PreparedDigit]] = {
    "mnist": prepare_mnist,
    "digits": prepare_digits,
}
"""The preparation of every data set whose images were made in a known way."""


def _prepared(
    grey: Array, is_like: Callable[[Array], bool], fitted: Callable[[Array], tuple[Array, str]]
) -> PreparedDigit:
    dark_ink = has_dark_ink(grey)
    light_ink = np.float32(255) - grey if dark_ink else grey
    steps = ("dark ink on light paper was inverted",) if dark_ink else ()
    if is_like(light_ink) or grey.min() == grey.max():
        return PreparedDigit(light_ink, steps)
    ink = _ink(light_ink)
    image, step = fitted(ink[_bounding_box(ink >= VISIBLE)])
    return PreparedDigit(image, (*steps, step))


def has_dark_ink(grey: Array) -> bool:
    """Whether the ink is darker than the paper, which is what the border shows."""
    paper = _paper(grey)
    return float(paper - grey.min()) > float(grey.max() - paper)


def _paper(grey: Array) -> np.float32:
    border = [grey[0], grey[-1], grey[1:-1, 0], grey[1:-1, -1]]
    return np.float32(np.median(np.concatenate(border)))


def _ink(light_ink: Array) -> Array:
    """How much of every pixel is ink, from 0 to 1."""
    small = _made_smaller(light_ink)
    paper = _paper(small)
    contrast = (small - paper) / max(small.max() - paper, np.float32(1))
    return np.clip((contrast - (VISIBLE - SOFT)) / (2 * SOFT), 0, 1).astype(np.float32)


def _made_smaller(grey: Array) -> Array:
    factor = ceil(max(grey.shape) / LARGEST_SIDE)
    return grey if factor == 1 else np.asarray(Image.fromarray(grey).reduce(factor))


def _bounding_box(ink: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest rectangle with all the ink: its rows and its columns."""
    rows: NDArray[np.int64] = np.flatnonzero(ink.any(1))
    columns: NDArray[np.int64] = np.flatnonzero(ink.any(0))
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


def _scaled(ink: Array, side: int) -> Array:
    """Ink whose longer side becomes `side` pixels; the proportions stay."""
    longest = max(ink.shape)
    height, width = (max(1, round(side_length * side / longest)) for side_length in ink.shape)
    resized = Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _as_mnist(ink: Array) -> tuple[Array, str]:
    scaled = _scaled(ink, MNIST_BOX)
    image = np.zeros((MNIST_SIZE, MNIST_SIZE), np.float32)
    top, left = (
        int(np.clip(round(MNIST_SIZE / 2 - centre), 0, MNIST_SIZE - length))
        for centre, length in zip(centre_of_mass(scaled), scaled.shape, strict=True)
    )
    image[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled
    box, size = f"{MNIST_BOX}x{MNIST_BOX}", f"{MNIST_SIZE}x{MNIST_SIZE}"
    step = f"its ink of {_size(ink)} pixels was scaled into {box} and centred by mass in {size}"
    return np.rint(255 * image), step


def _as_digits(ink: Array) -> tuple[Array, str]:
    scaled = _scaled(ink, DIGITS_BITMAP)
    bitmap = np.zeros((DIGITS_BITMAP, DIGITS_BITMAP), np.float32)
    top, left = ((DIGITS_BITMAP - length) // 2 for length in scaled.shape)
    bitmap[top : top + scaled.shape[0], left : left + scaled.shape[1]] = scaled >= VISIBLE
    blocks = bitmap.reshape(DIGITS_SIZE, DIGITS_BLOCK, DIGITS_SIZE, DIGITS_BLOCK)
    counts = blocks.sum((1, 3))
    size, block = f"{DIGITS_BITMAP}x{DIGITS_BITMAP}", f"{DIGITS_BLOCK}x{DIGITS_BLOCK}"
    step = f"its ink of {_size(ink)} pixels was scaled into {size} and counted in {block} blocks"
    return counts * np.float32(255 / DIGITS_BLOCK**2), step


def _size(ink: Array) -> str:
    height, width = ink.shape
    return f"{width}x{height}"


def centre_of_mass(image: Array) -> tuple[float, float]:
    """The row and the column around which the values of an image are balanced."""
    by_row, by_column = image.sum(1), image.sum(0)
    places = np.arange(len(by_row)), np.arange(len(by_column))
    return float(by_row @ places[0] / by_row.sum()), float(by_column @ places[1] / by_row.sum())


def _is_like_mnist(light_ink: Array) -> bool:
    """Whether an image has the size of MNIST's, and its ink the size and the place."""
    if light_ink.shape != (MNIST_SIZE, MNIST_SIZE) or not light_ink.any():
        return False
    longest = max(light_ink[_bounding_box(light_ink > 0)].shape)
    centred = all(
        abs(coordinate - MNIST_SIZE / 2) <= CENTRED for coordinate in centre_of_mass(light_ink)
    )
    return centred and longest in (MNIST_BOX - 1, MNIST_BOX)


def _is_like_digits(light_ink: Array) -> bool:
    return light_ink.shape == (DIGITS_SIZE, DIGITS_SIZE)
