"""Which values a network was trained on for black and white, and which of an image fit them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from netspec.data.record import ArrayRecord
from netspec.language.data import Promise
from netspec.numerics.weights import Array
from netspec.text.diagnostics import DataError

WHITE = 255
"""White in an image file of 8 bits."""

DEEP_WHITE = 65535
"""White in an image file of 16 bits."""

NEARLY = 0.9
"""Which part of -1 to 1 data must reach on both sides, to be images from -1 to 1."""

_HELP = "predict from Python with arrays; or train on pixels from 0 to 255, or from 0 to 1"


@dataclass(frozen=True)
class PixelRange:
    """The values of black and white in the training data, and the largest value of their type.

    `whole` is true for whole numbers. `source` names the data in a message.
    """

    black: float
    white: float
    largest: float
    whole: bool
    source: str

    def values_of(self, pixels: Array, file: str) -> Array:
        """Pixels from 0, black, to 255, white, as values of the training data.

        Raises DataError where they cannot be what the network was trained on.
        """
        values = self.black + pixels * np.float32((self.white - self.black) / WHITE)
        values = np.rint(values) if self.whole and self.white >= WHITE else values
        if values.max() > self.largest:
            message = f"{file} has values up to {values.max():g}, and the network was trained on"
            raise DataError(f"{message} {self.source}", _HELP)
        return values.astype(np.float32)


def pixel_range(promise: Promise, record: ArrayRecord | None) -> PixelRange:
    """The range of the pixels that a network was trained on. Raises DataError where it has none.

    A data set whose values are known decides. Else it is 0 to 1 for data up to 1, 0 to 255 for data
    up to 255, 0 to 65535 for larger ones, and -1 to 1 for data that fill this. Without a record it
    is 0 to 255.
    """
    known = (record.value_range if record else None) or promise.value_range
    if known or record is None:
        black, white = known or (0, WHITE)
        whole = record is None or not record.dtype.startswith("float")
        return PixelRange(black, white, white, whole, f"values from {black:g} to {white:g}")
    if record.minimum is None or record.maximum is None:
        raise DataError("the training data contain no finite values", _HELP)
    low, high = record.minimum, record.maximum
    source = f"{record.dtype} from {low:g} to {high:g}"
    whole = not record.dtype.startswith("float")
    if low < 0:
        if low < -1 or high > 1 or min(-low, high) < NEARLY:
            message = f"the network was trained on {source}, which are no pixels of an image file"
            raise DataError(message, _HELP)
        return PixelRange(-1, 1, 1, whole, source)
    if high <= 1:
        return PixelRange(0, 1, 1, whole, source)
    if high > DEEP_WHITE:
        message = f"the network was trained on {source}, and an image file has at most 16 bits"
        raise DataError(message, _HELP)
    bits = int(np.ceil(high)).bit_length()
    return PixelRange(0, WHITE if high <= WHITE else DEEP_WHITE, 2**bits - 1, whole, source)


def raw_divisor(promise: Promise, record: ArrayRecord | None, scale: float) -> tuple[float, int]:
    """What pixels of 8 bits are divided by for a network, and which of them is white.

    `scale` is what the network's inputs are divided by.

    Raises DataError where the training data were no such pixels.
    """
    values = pixel_range(promise, record)
    if values.white > WHITE or values.black != 0:
        message = f"the network was trained on {values.source}, and raw input is pixels of 8 bits"
        raise DataError(message, "leave --raw-input out, and bring the pixels to this range before")
    if values.white == 1:
        return WHITE * scale, WHITE
    return scale, int(values.white)


def as_pixels(inputs: Array, divisor: float) -> NDArray[np.uint8]:
    """The 8 bits of scaled inputs."""
    return np.clip(np.rint(inputs * np.float32(divisor)), 0, WHITE).astype(np.uint8)
