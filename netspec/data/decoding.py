"""Image files as a network sees them: decoded, on paper where they are transparent, made to fit.

They are decoded within bounds: the time ends, and the memory is known before.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from netspec.data.ink import PREPARATIONS
from netspec.data.pixels import DEEP_WHITE, WHITE
from netspec.language.data import Resize
from netspec.numerics.weights import Array
from netspec.text.diagnostics import DataError
from netspec.text.files import open_regular

MAX_PIXELS = 64_000_000
"""Pixels of an image, which take about 600 MB while it is decoded, and 250 MB more to be turned."""

_STRIP = 1 << 20  # pixels that are converted at a time
_DAMAGED = "the file is damaged"

CLEAR_CONTRAST = 128
"""From this contrast on, the opaque part of an image shows ink and paper."""

# Pillow scales the pixels of these PNG files to 8 bits, but not the value that is transparent.
_SCALES = {"L;2": WHITE / 3, "L;4": WHITE / 15, "RGB;16B": 1 / 256}

_WHITE = np.float32(WHITE)
_FILTER = Image.Resampling.BILINEAR


@dataclass(frozen=True)
class Fitting:
    """How image files become what a network takes.

    `shape` is (height, width, channels). With `invert` light and dark change places first. An image
    is prepared as the images of a data set were, or else brought to the shape by `resize`. Without
    `deep`, pixels of 16 bits become whole numbers of 8 bits.
    """

    shape: tuple[int, int, int]
    invert: bool = False
    preparation: str | None = None
    resize: Resize = "stretch"
    deep: bool = False


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
    if fitting.shape[2] not in (1, 3):
        message = f"the network takes {fitting.shape[2]} channels, and an image file has 1 or 3"
        raise DataError(message, "predict from Python with arrays instead")
    with opened_image(path) as image:
        decoded = _decoded(image, fitting)
    if fitting.preparation:
        return _prepared(decoded, fitting)
    return _fitted(decoded, fitting)


@contextmanager
def opened_image(path: Path) -> Generator[Image.Image]:
    """A PNG or JPEG file as its camera was held. Raises DataError, also from inside the block."""
    try:
        with open_regular(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts of the file that do not matter here
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                _check_size(image, path)
                _scale_transparency(image)  # before it is decoded, which forgets how it was stored
                ImageOps.exif_transpose(image, in_place=True)
                yield image
    except UnidentifiedImageError:
        raise DataError(f"{path} is not a PNG or JPEG image", "convert it first") from None
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder", f"name its images, as in {path / '*.png'}") from None
    except Image.DecompressionBombError:
        raise DataError(f"{path} has too many pixels", f"the limit is {MAX_PIXELS:,}") from None
    except (OSError, SyntaxError, ValueError, EOFError, OverflowError) as error:
        raise DataError(f"{path} cannot be read: {_reason(error)}", _DAMAGED) from None


def _reason(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or str(error) or type(error).__name__


def _check_size(image: Image.Image, path: Path) -> None:
    if image.width * image.height > MAX_PIXELS:
        message = f"{path} has {image.width}x{image.height} pixels"
        raise DataError(message, f"the limit is {MAX_PIXELS:,}; make it smaller")


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
    mode = "L" if fitting.preparation or fitting.shape[2] == 1 or image.mode == "L" else "RGB"
    if not image.has_transparency_data:
        return _Decoded(converted(image, mode, _coloured), None)
    if fitting.preparation:
        return _Decoded(converted(image, mode, _coloured), converted(image, "L", _alpha))
    return _Decoded(converted(image, mode, _on_white), None)


def _deep(image: Image.Image, fitting: Fitting) -> _Decoded:
    values = np.asarray(image).astype(np.float32)
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
    return SeenImage(prepared.image[:, :, None], _blank(grey.reshape(-1)) or prepared.steps)


def _paper(grey: Array, opacity: Array) -> np.float32:
    """The grey of transparent pixels: as the opaque paper, or else the opposite of the ink."""
    opaque = grey[opacity > 0.5]
    if not opaque.size:
        return _WHITE
    light = bool(np.median(opaque) > WHITE / 2)
    shows_paper = bool(opaque.max() - opaque.min() > CLEAR_CONTRAST)
    return _WHITE if light == shows_paper else np.float32(0)


def _fitted(decoded: _Decoded, fitting: Fitting) -> SeenImage:
    height, width, channels = fitting.shape
    colour = decoded.colour
    notes = _blank(np.array(colour.getextrema(), np.float32).reshape(-1, 2).T)
    if colour.mode == "F" and not fitting.deep:
        colour = Image.fromarray(np.asarray(colour).astype(np.uint8))
    black = WHITE if fitting.invert else 0
    pixels = np.asarray(_resized(colour, (width, height), fitting.resize, black), np.float32)
    pixels = _WHITE - pixels if fitting.invert else pixels
    if pixels.ndim == 2:
        pixels = np.repeat(pixels[:, :, None], channels, 2)
    return SeenImage(pixels, notes)


def _blank(values: Array) -> tuple[str, ...]:
    """A warning where values do not differ along axis 0."""
    same = bool((values.min(0) == values.max(0)).all())
    return ("it has only one value: there is nothing to recognize",) if same else ()


def _resized(image: Image.Image, size: tuple[int, int], resize: Resize, black: int) -> Image.Image:
    """An image of the size (width, height): stretched, padded with black, or cropped."""
    if resize == "crop":
        return ImageOps.fit(image, size, _FILTER)
    if resize == "stretch":
        return image.resize(size, _FILTER)
    ratio = min(size[0] / image.width, size[1] / image.height)
    width, height = (max(1, round(side * ratio)) for side in image.size)
    colour = (black,) * 3 if image.mode == "RGB" else black
    padded = Image.new(image.mode, size, colour)
    place = ((size[0] - width) // 2, (size[1] - height) // 2)
    padded.paste(image.resize((width, height), _FILTER), place)
    return padded
