"""Image files, decoded within bounds: the time ends, and the memory is known before."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from PIL import Image, ImageOps, UnidentifiedImageError

from netspec.diagnostics import DataError
from netspec.files import open_regular

MAX_PIXELS = 64_000_000
"""Pixels of an image, which take about 600 MB while it is decoded, and 250 MB more to be turned."""

_STRIP = 1 << 20  # pixels that are converted at a time
_DAMAGED = "the file is damaged"


@contextmanager
def opened_image(path: Path) -> Generator[Image.Image]:
    """A PNG or JPEG file as its camera was held. Raises DataError, also from inside the block."""
    try:
        with open_regular(path) as file, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of parts of the file that do not matter here
            with Image.open(file, formats=("PNG", "JPEG")) as image:
                _check_size(image, path)
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
