"""Image files as a network sees them: decoded, on paper where they are transparent, made to fit.

They are decoded within bounds: the time ends, and the memory is known before. Training and
prediction decode with the same functions.
"""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin

from netspec.data.ink import PREPARATIONS
from netspec.data.pixels import DEEP_WHITE, WHITE
from netspec.language.data import ImageResize
from netspec.numerics.weights import Array
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular

MAX_PIXELS = 64_000_000
"""Pixels of an image, which take about 600 MB while it is decoded, and 250 MB more to be turned."""

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
"""The formats that are read, by Pillow's names."""

# Where one of a format is not imported, Pillow imports all of its 40 plugins.
_PLUGINS = (TiffImagePlugin, WebPImagePlugin)

KINDS = "PNG, JPEG, WebP, BMP, GIF or TIFF"

_STRIP = 1 << 20  # pixels that are converted at a time
_DAMAGED = "the file is damaged"

CLEAR_CONTRAST = 128
"""From this contrast on, the opaque part of an image shows ink and paper."""

# Pillow scales the pixels of these PNG files to 8 bits, but not the value that is transparent.
_SCALES = {"L;2": WHITE / 3, "L;4": WHITE / 15, "RGB;16B": 1 / 256}

_WHITE = np.float32(WHITE)

# What the decoders of Pillow raise, between them, where the bytes are not what they expect.
_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    ArithmeticError,
    LookupError,
    TypeError,
    AttributeError,
    RuntimeError,
    struct.error,
    zlib.error,
)


@dataclass(frozen=True)
class Fitting:
    """How image files become what a network takes.

    `shape` is (height, width, channels). With `invert` light and dark change places first. An image
    is prepared as the images of a data set were, or else brought to the shape by `resize`; with
    None it must have the shape. Without `deep`, pixels of 16 bits become whole numbers of 8 bits.
    With `reduced`, JPEG files are decoded at a half, a quarter or an eighth of their size, where
    that is at least the longer side of the result, in height and in width.
    """

    shape: tuple[int, int, int]
    invert: bool = False
    preparation: str | None = None
    resize: ImageResize | None = field(default=ImageResize(mode="stretch"))
    deep: bool = False
    reduced: bool = False


class ImageError(DataError):
    """A file that cannot be decoded. `reason` is what is wrong, a phrase after its name."""

    def __init__(self, path: Path, reason: str, help: str) -> None:
        super().__init__(f"{path} {reason}", help)
        self.reason = reason


class SizeError(DataError):
    """An image that has another size than the input, in data without `resize`."""

    def __init__(self, path: Path, size: tuple[int, int], shape: tuple[int, int, int]) -> None:
        """`size` is (width, height), `shape` (height, width, channels)."""
        actual, expected = (f"{width}x{height}" for width, height in (size, shape[1::-1]))
        message = f"{path} has {actual} pixels (width x height), and the input takes {expected}"
        help = "add `resize: crop`, `resize: pad` or `resize: stretch` to data"
        super().__init__(message, help)


@dataclass(frozen=True)
class SeenImage:
    """Pixels (height, width, channels) from 0, black, to 255, white; and what a user has to know.

    `notes` are phrases about what was done to the image, and what is odd about it.
    """

    pixels: Array
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Decoded:
    """An image of mode L, RGB or F, from 0 to 255; `alpha` is 255 where it is not transparent.

    One without `alpha` is opaque, or was brought onto white paper.
    """

    colour: Image.Image
    alpha: Image.Image | None


def read_image(path: Path, fitting: Fitting) -> SeenImage:
    """The pixels of an image file, rotated by its EXIF data and resized. Raises DataError."""
    _check_channels(fitting)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the file that do not matter here
        decoded = _opened(path, fitting)
    if fitting.preparation:
        return _prepared(decoded, fitting)
    pixels = np.asarray(_fitted(decoded, fitting, path), np.float32)
    return SeenImage(_WHITE - pixels if fitting.invert else pixels, _blank(decoded.colour))


def read_pixels(path: Path, fitting: Fitting) -> NDArray[np.uint8]:
    """The pixels (height, width, channels) of an image file, as `read_image` reads them.

    They are of 8 bits, neither inverted nor prepared. Several threads may call it, and Pillow's
    warnings are then switched off by their caller. Raises DataError.
    """
    assert fitting == Fitting(fitting.shape, resize=fitting.resize, reduced=fitting.reduced)
    return _fitted(_opened(path, fitting), fitting, path)


def _check_channels(fitting: Fitting) -> None:
    if fitting.shape[2] not in (1, 3):
        message = f"the network takes {fitting.shape[2]} channels, and an image file has 1 or 3"
        raise DataError(message, "predict from Python with arrays instead")


def _opened(path: Path, fitting: Fitting) -> _Decoded:
    with opened_image(path, _least_size(fitting)) as image:
        return _decoded(image, fitting)


def _least_size(fitting: Fitting) -> int | None:
    """The height and width that a JPEG file may be reduced to, None where it may not be."""
    if not fitting.reduced or fitting.preparation:
        return None
    return max(fitting.shape[:2])


@contextmanager
def opened_image(path: Path, least: int | None = None) -> Generator[Image.Image]:
    """An image file as its camera was held. Raises DataError, also from inside the block.

    A JPEG file may be decoded at a part of its size, at least `least` pixels high and wide. Of an
    animation it is the first image.
    """
    try:
        with open_regular(path) as file, Image.open(file, formats=FORMATS) as image:
            _check_size(image, path)
            _scale_transparency(image)  # before it is decoded, which forgets how it was stored
            if least is not None:
                image.draft(image.mode, (least, least))
            ImageOps.exif_transpose(image, in_place=True)
            yield image
    except UnidentifiedImageError:
        raise _unidentified(path) from None
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder", f"name its images, as in {path / '*.png'}") from None
    except Image.DecompressionBombError:
        raise ImageError(path, "has too many pixels", f"the limit is {MAX_PIXELS:,}") from None
    except _DAMAGE as error:
        raise ImageError(path, f"cannot be read: {_reason(error)}", _DAMAGED) from None


def _unidentified(path: Path) -> ImageError:
    if not path.stat().st_size:
        return ImageError(path, "is empty", "copy it again")
    return ImageError(path, f"is not an image in {KINDS}", "convert it first")


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _check_size(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MAX_PIXELS:
        reason = f"has {image.width}x{image.height} pixels"
        raise ImageError(path, reason, f"the limit is {MAX_PIXELS:,}; make it smaller")


def converted(
    image: Image.Image, mode: str, change: Callable[[Image.Image], Image.Image]
) -> Image.Image:
    """The image in a mode such as "L" after a change of its pixels, a strip of rows at a time.

    So only strips take the memory of what comes between the image and the result.
    """
    result = Image.new(mode, image.size)
    rows = max(1, _STRIP // image.width)
    for top in range(0, image.height, rows):
        strip = image.crop((0, top, image.width, min(top + rows, image.height)))
        result.paste(change(strip).convert(mode), (0, top))
    return result


def _decoded(image: Image.Image, fitting: Fitting) -> _Decoded:
    if image.mode.startswith("I"):  # 16 bits a pixel
        return _deep(image, fitting)
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; store them in 8 or 16 bits")
    mode = "L" if fitting.preparation or fitting.shape[2] == 1 or image.mode == "L" else "RGB"
    if not image.has_transparency_data:
        if image.mode == mode:
            return _Decoded(image.copy(), None)
        return _Decoded(converted(image, mode, _coloured), None)
    if fitting.preparation:
        return _Decoded(converted(image, mode, _coloured), converted(image, "L", _alpha))
    return _Decoded(converted(image, mode, _on_white), None)


def _deep(image: Image.Image, fitting: Fitting) -> _Decoded:
    values = np.asarray(image).astype(np.float32)
    if values.min() < 0 or values.max() > DEEP_WHITE:
        raise ValueError("its pixels have more than 16 bits; store them in 8 or 16")
    clear = image.info.get("transparency")
    opaque = None if clear is None else np.where(values == clear, 0, WHITE).astype(np.uint8)
    values /= DEEP_WHITE / WHITE
    if opaque is not None and not fitting.preparation:
        values[opaque == 0] = WHITE
        opaque = None
    return _Decoded(Image.fromarray(values), None if opaque is None else Image.fromarray(opaque))


def _coloured(image: Image.Image) -> Image.Image:
    """An image of 8 bits in colours that are neither of a palette nor transparent."""
    if image.has_transparency_data:
        return image.convert("RGBA").convert("RGB")
    return image if image.mode in ("L", "RGB") else image.convert("RGB")


def _alpha(image: Image.Image) -> Image.Image:
    return image.convert("RGBA").getchannel("A")


def _on_white(image: Image.Image) -> Image.Image:
    white = Image.new("RGB", image.size, "white")
    return Image.composite(_coloured(image), white, _alpha(image))


def _scale_transparency(opened: Image.Image) -> None:
    clear: int | tuple[int, ...] | None = opened.info.get("transparency")
    tiles: list[Any] = getattr(opened, "tile", [])  # Any: ImageFile's, whose kind Pillow hides
    scale = _SCALES.get(str(tiles[0].args)) if tiles else None
    if clear is None or scale is None:
        return
    several = tuple(
        int(component * scale) for component in (clear if isinstance(clear, tuple) else (clear,))
    )
    opened.info["transparency"] = several if isinstance(clear, tuple) else several[0]


def _prepared(decoded: _Decoded, fitting: Fitting) -> SeenImage:
    grey = np.asarray(decoded.colour, np.float32)
    if decoded.alpha is not None:
        opacity = np.asarray(decoded.alpha, np.float32) / _WHITE
        grey = grey * opacity + _paper(grey, opacity) * (1 - opacity)
    if fitting.invert:
        grey = _WHITE - grey
    prepared = PREPARATIONS[fitting.preparation or ""](grey)
    return SeenImage(prepared.image[:, :, None], _blank(Image.fromarray(grey)) or prepared.steps)


def _paper(grey: Array, opacity: Array) -> np.float32:
    """The grey of transparent pixels: as the opaque paper, or else the opposite of the ink."""
    opaque = grey[opacity > 0.5]
    if not opaque.size:
        return _WHITE
    light = bool(np.median(opaque) > WHITE / 2)
    shows_paper = bool(opaque.max() - opaque.min() > CLEAR_CONTRAST)
    return _WHITE if light == shows_paper else np.float32(0)


def _fitted(decoded: _Decoded, fitting: Fitting, path: Path) -> NDArray[Any]:
    """Pixels (height, width, channels) from 0, black, to 255: uint8, or float32 of 16 bits."""
    height, width, channels = fitting.shape
    colour = decoded.colour
    if colour.mode == "F" and not fitting.deep:
        colour = Image.fromarray(np.asarray(colour).astype(np.uint8))
    if fitting.resize is None and colour.size != (width, height):
        raise SizeError(path, colour.size, fitting.shape)
    resize = fitting.resize or ImageResize(mode="stretch")
    fill = WHITE - resize.fill if fitting.invert else resize.fill
    pixels = np.asarray(_resized(colour, (width, height), resize, fill))
    return np.repeat(pixels[:, :, None], channels, 2) if pixels.ndim == 2 else pixels


def _blank(image: Image.Image) -> tuple[str, ...]:
    """A warning where all pixels of an image are the same."""
    ranges = np.array(image.getextrema(), np.float32).reshape(-1, 2)
    same = bool((ranges[:, 0] == ranges[:, 1]).all())
    return ("it has only one value: there is nothing to recognize",) if same else ()


def _resized(
    image: Image.Image, size: tuple[int, int], resize: ImageResize, fill: int
) -> Image.Image:
    """An image of the size (width, height): stretched, padded with grey, or cropped."""
    if image.size == size:
        return image
    filter = Image.Resampling[resize.filter.upper()]
    if resize.mode == "crop":
        return ImageOps.fit(image, size, filter)
    if resize.mode == "stretch":
        return image.resize(size, filter)
    ratio = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side * ratio)) for side in image.size)
    colour = (fill,) * 3 if image.mode == "RGB" else fill
    padded = Image.new(image.mode, size, colour)
    place = ((size[0] - width) // 2, (size[1] - height) // 2)
    padded.paste(image.resize((width, height), filter), place)
    return padded
