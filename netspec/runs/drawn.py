"""The predictions of pixels as PNG files: classes in colours, values in grey or RGB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo

from netspec.numerics.weights import Array
from netspec.runs.answers import Summary, renamed
from netspec.runs.meaning import Meaning
from netspec.runs.predicted import Predictions, Rows
from netspec.text.diagnostics import NetspecError, RunError
from netspec.text.files import open_regular, write_atomically
from netspec.text.tables import write_table

SUFFIX = ".png"
IMAGE = "image"
WRITER = ("Software", "netspec")
"""The text in a PNG file by which netspec knows the files that it has written."""

PALETTE = 256
"""How many classes have a colour; an image of more classes has 16 bits of grey."""

GREY, RGB = 1, 3
_ARRAYS = "--output FILE.npz writes all values as arrays"


class Drawable(Predictions, Protocol):
    """Predictions whose examples have names for files."""

    @property
    def files(self) -> Sequence[Path]:
        """The files that are predicted."""
        ...

    @property
    def image_names(self) -> Sequence[str]:
        """The names of the images of all examples, without an end."""
        ...

    @property
    def value_range(self) -> tuple[float, float]:
        """The values of black and white in an output of values."""
        ...

    def image_name(self, rows: Rows, place: int) -> str:
        """The name of the image of an example of some rows, one of `image_names`."""
        ...


class DrawnPredictions:
    """Predictions whose outputs of pixels are images in a folder too; see `Predictions`.

    An image has the name of its example, and the name of its output where there are several. An
    input stays as it is, and so does every file that netspec has not written. Raises NetspecError
    where an output is no image, or one cannot be written.
    """

    def __init__(self, predictions: Drawable, folder: Path) -> None:
        """Look at the folder; nothing is predicted before `rows`."""
        self._drawable, self.folder = predictions, folder
        self.opened, self.meanings = predictions.opened, predictions.meanings
        self.target, self.unit = predictions.target, predictions.unit
        self.count, self.name_width = predictions.count, predictions.name_width
        self.saved_names = predictions.saved_names
        self._drawn = [meaning for meaning in self.meanings if meaning.has_pixels]
        check_drawable(self.meanings, folder)
        columns = [f"{IMAGE}_{meaning.output}" for meaning in self._drawn]
        self._columns = (IMAGE,) if len(self.meanings) == 1 else tuple(columns)
        self.names = (*predictions.names, *renamed(self._columns, predictions.names))
        self._sums = [np.zeros(len(meaning.names)) for meaning in self._drawn]
        self._clipped, self._values, self._examples = 0, 0, 0
        self._check_names()

    def _check_names(self) -> None:
        kept = {path.resolve() for path in self._drawable.files}
        written: set[Path] = set()
        help = "name another folder with --output"
        for path in chain.from_iterable(map(self._paths, self._drawable.image_names)):
            if path in written:
                message = f"the predictions of two inputs would both be {path}"
                raise NetspecError(message, "predict them separately, into other folders")
            written.add(path)
            if path.resolve() in kept:
                raise NetspecError(f"{path} is an input, which a prediction would replace", help)
            if path.exists() and not _is_written(path):
                raise NetspecError(f"{path} is there already, and netspec has not written it", help)

    def _paths(self, name: str) -> list[Path]:
        """The file of every output of pixels."""
        several = len(self.meanings) > 1
        ends = [f".{meaning.output}" if several else "" for meaning in self._drawn]
        return [self.folder / f"{name}{end}{SUFFIX}" for end in ends]

    def rows(self, *, texts: bool = False) -> Iterator[Rows]:
        """See `Predictions`; the paths of the images are columns, in `texts` in any case."""
        for some in self._drawable.rows(texts=texts):
            paths = [self._draw(some, place) for place in range(len(some))]
            known = some.texts or [[] for _ in paths]
            joined = [[*row, *added] for row, added in zip(known, paths, strict=True)]
            yield replace(some, texts=joined)

    def _draw(self, rows: Rows, place: int) -> list[str]:
        """Write the images of an example; their paths."""
        pairs = zip(self.meanings, rows.outputs, strict=True)
        outputs = [output[place] for meaning, output in pairs if meaning.has_pixels]
        paths = self._paths(self._drawable.image_name(rows, place))
        for number, (meaning, output, path) in enumerate(
            zip(self._drawn, outputs, paths, strict=True)
        ):
            if meaning.kind != "values":
                self._sums[number] += Summary(meaning).numbers(output[np.newaxis])[0]
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(path, _png(self._image(meaning, output)))
        self._examples += 1
        return [*map(str, paths)]

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """See `Predictions`; with the paths of the images."""
        paths = rows.texts[place][-len(self._columns) :]
        return self._drawable.key(rows, place) | dict(zip(self._columns, paths, strict=True))

    def _image(self, meaning: Meaning, output: Array) -> Image.Image:
        if _is_index(meaning):
            classes = output.argmax(-1)
            if len(meaning.names) > PALETTE:
                return Image.fromarray(classes.astype(np.uint16))
            image = Image.fromarray(classes.astype(np.uint8))
            image.putpalette(colours(len(meaning.names)).tobytes())
            return image
        values = meaning.unread(output)
        low, high = self._drawable.value_range if meaning.kind == "values" else (0, 1)
        scaled = (values - low) / (high - low)
        self._clipped += int(np.count_nonzero((scaled < 0) | (scaled > 1)))
        self._values += scaled.size
        pixels = np.rint(scaled.clip(0, 1) * 255).astype(np.uint8)
        return Image.fromarray(pixels[..., 0] if pixels.shape[-1] == GREY else pixels)

    @property
    def legend(self) -> str:
        """The classes and labels with their colours and their shares of all pixels."""
        several = len(self.meanings) > 1
        tables = [
            _legend(meaning, sums / max(self._examples, 1), several=several)
            for meaning, sums in zip(self._drawn, self._sums, strict=True)
        ]
        count = self._examples * len(self._drawn)
        images = f"{count:,} image{'' if count == 1 else 's'}"
        return "\n".join([*filter(None, tables), f"Wrote {images} into {self.folder}"])

    @property
    def remarks(self) -> tuple[str, ...]:
        """See `Predictions`; with the values that are outside of the range of an image."""
        remarks = self._drawable.remarks
        if not self._clipped:
            return remarks
        low, high = self._drawable.value_range
        share = f"{self._clipped / self._values:.2%}"
        return (
            *remarks,
            f"{share} of the values are not from {low:g} to {high:g}, and are black or white in "
            f"the images: {_ARRAYS}",
        )


def colours(count: int) -> NDArray[np.uint8]:
    """The colours (count, 3) of classes: of PASCAL VOC, whose first is black.

    The bits of an index, three at a time, are the high bits of red, green and blue (VOCdevkit,
    VOClabelcolormap.m).
    """
    indices = np.arange(count)
    table = np.zeros((count, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            table[:, channel] |= ((indices >> (3 * bit + channel) & 1) << (7 - bit)).astype(
                np.uint8
            )
    return table


def _is_index(meaning: Meaning) -> bool:
    """Whether a pixel is the index of a class, and no probability or value."""
    return meaning.kind == "classes" and meaning.units > 1


def check_drawable(meanings: Sequence[Meaning], folder: Path) -> None:
    """Raise RunError where outputs cannot be drawn into a folder."""
    drawn = [meaning for meaning in meanings if meaning.has_pixels]
    if not drawn:
        message = f"the network predicts no images, and --output {folder} is a folder for images"
        raise RunError(message, "name a file of arrays: --output FILE.npz; or use --csv FILE")
    for meaning in drawn:
        if len(meaning.axes) != 2:
            axes = len(meaning.axes) + 1
            message = f"the output {meaning.output} has {axes} axes, and an image has 3"
            raise RunError(message, _ARRAYS)
        if not _is_index(meaning) and meaning.units not in (GREY, RGB):
            values = f"{meaning.units} {meaning.kind}"
            message = f"the output {meaning.output} has {values} for each pixel, and an image "
            raise RunError(f"{message}has 1 or 3", _ARRAYS)


def _is_written(path: Path) -> bool:
    """Whether netspec has written a PNG file."""
    try:
        with open_regular(path) as file, Image.open(file, formats=["PNG"]) as image:
            key, value = WRITER
            return image.info.get(key) == value
    except (OSError, ValueError, SyntaxError, UnidentifiedImageError):
        return False


def _png(image: Image.Image) -> bytes:
    about, file = PngInfo(), BytesIO()
    about.add_text(*WRITER)
    image.save(file, "PNG", pnginfo=about)
    return file.getvalue()


def _legend(meaning: Meaning, shares: NDArray[np.float64], *, several: bool) -> str:
    """A table of the classes or labels of an output that are in the images."""
    if meaning.kind == "values":
        return ""
    there = [place for place, share in enumerate(shares.tolist()) if share]
    title = f"{meaning.output}: class" if several else "class"
    if not _is_index(meaning):
        rows = [(meaning.names[place], f"{shares[place]:.1%}") for place in there]
        return write_table((title, "share"), rows, 1, "  ")
    table = colours(len(meaning.names)).tolist()
    rows = [
        (
            meaning.names[place],
            _colour(table[place], len(table)),
            str(place),
            f"{shares[place]:.1%}",
        )
        for place in there
    ]
    return write_table((title, "colour", "index", "share"), rows, 2, "  ")


def _colour(rgb: Sequence[int], count: int) -> str:
    return "#" + "".join(f"{value:02x}" for value in rgb) if count <= PALETTE else "grey"
