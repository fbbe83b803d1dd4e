"""A spec for a folder of images: its input, its classes and a small convolutional network."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from math import log2
from pathlib import Path

import numpy as np

from netspec.data.decoding import opened_image
from netspec.data.drafts.writing import (
    Draft,
    Place,
    plural,
    quoted,
    training_of,
    write_classes,
    write_head,
    write_training,
)
from netspec.data.folders import Listing, list_files
from netspec.text.diagnostics import DataError, listed

MAX_SIDE = 128
"""The maximum height and width of the input: larger images are made smaller."""

MULTIPLE = 8
"""The height and width of images of several sizes are multiples of this."""

LOOKED_AT = 500
"""How many files are opened, spread evenly over all."""

GREY_MODES = ("1", "L", "LA", "La", "I", "I;16", "I;16L", "I;16B", "I;16N", "F")
"""Pillow's names of images without colours."""

_FILTERS = (32, 64, 128, 128, 256)


@dataclass(frozen=True)
class Shape:
    """The input of a network for images, and whether they are of another size than it."""

    height: int
    width: int
    channels: int
    resized: bool


def draft_images(name: str, place: Place) -> Draft:
    """A spec for the classes and sizes of image files. Raises DataError."""
    shown = place.relative
    listing = list_files(place.path, shown, labelled=True)
    classes = listing.class_names or ()
    sizes = _sizes([file.path for file in listing.files])
    shape = _shape(sizes, shown)
    channels = "grey" if shape.channels == 1 else "colour"
    seen = (
        f"{plural(len(listing.files), 'image')} in {shown}, {channels}, {_range(sizes)} pixels",
        f"{plural(len(classes), 'class')}: {listed(classes)}",
    )
    lines = [
        *write_head(name, seen),
        *_input(shape),
        *write_image_layers(shape),
        *write_classes(len(classes)),
        "",
        *_data(shape, shown, listing),
        *write_training(training_of(listing)),
    ]
    return Draft("\n".join(lines) + "\n", seen)


def _sizes(files: Sequence[Path]) -> list[tuple[int, int, bool]]:
    """The height and width of images, and whether each has colours; of files that can be read."""
    count = min(len(files), LOOKED_AT)
    sizes: list[tuple[int, int, bool]] = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of parts of the files that do not matter here
        for index in np.linspace(0, len(files) - 1, count):
            try:
                with opened_image(files[int(index)]) as image:
                    width, height = image.size
                    sizes.append((height, width, image.mode not in GREY_MODES))
            except Exception:  # noqa: BLE001, S112 - training names every broken file
                continue
    return sizes


def _range(sizes: Sequence[tuple[int, int, bool]]) -> str:
    """The smallest and the largest height x width."""
    heights, widths, _ = zip(*sizes, strict=True)
    low, high = (f"{limit(heights)}x{limit(widths)}" for limit in (min, max))
    return low if low == high else f"{low} to {high}"


def _shape(sizes: Sequence[tuple[int, int, bool]], shown: str) -> Shape:
    """The size of all images, or the median; the longer side is at most `MAX_SIDE`."""
    if not sizes:
        raise DataError(f"no image file in {shown} can be decoded", "replace the files")
    channels = 3 if any(coloured for _, _, coloured in sizes) else 1
    different = {(height, width) for height, width, _ in sizes}
    height, width = (int(np.median([size[axis] for size in sizes])) for axis in (0, 1))
    if len(different) == 1 and max(height, width) <= MAX_SIDE:
        return Shape(height, width, channels, resized=False)
    scale = min(1, MAX_SIDE / max(height, width))
    height, width = (
        max(MULTIPLE, round(side * scale / MULTIPLE) * MULTIPLE) for side in (height, width)
    )
    return Shape(height, width, channels, resized=True)


def _input(shape: Shape) -> list[str]:
    size = f"[{shape.height}, {shape.width}, {shape.channels}]"
    channels = "1 channel: grey" if shape.channels == 1 else "3 channels: colour"
    return [f"input: {size:<24} # height, width, {channels}", ""]


def write_image_layers(shape: Shape) -> list[str]:
    """Convolutions and pooling that halve the image until it is small; a vector in the end."""
    stages = max(1, min(4, int(log2(max(4, min(shape.height, shape.width)) / 4))))
    lines = [
        "blocks:",
        "  convolution:                  # patterns in 3x3 pixels, each brought to the same scale",
        "    parameters: {filters: }",
        "    layers:",
        "      - Conv2D: {filters: $filters, kernel_size: 3, padding: same, use_bias: false}",
        "      - BatchNormalization: {momentum: 0.9}",
        "      - ReLU",
        "",
        "layers:",
    ]
    if shape.channels == 3:
        lines += [
            "  # Where a mirrored image is of the same class, this adds variety:",
            "  # - RandomFlip: {mode: horizontal}",
        ]
    for stage in range(stages):
        lines += [f"  - convolution: {{filters: {_FILTERS[stage]}}}", "  - MaxPooling2D"]
    return [
        *lines,
        f"  - convolution: {{filters: {_FILTERS[stages]}}}",
        "  - GlobalAveragePooling2D      # the mean of each pattern over the image",
        "  - Dropout: {rate: 0.25}",
    ]


def _data(shape: Shape, shown: str, listing: Listing) -> list[str]:
    resize = ", resize: crop" if shape.resized else ""
    comments = ["# Every class is a folder; pixels, from 0 to 255, are divided by scale."]
    if shape.resized:
        comments.append("# resize: crop takes the middle; pad adds a border; stretch distorts.")
    if all(file.part != "test" for file in listing.files):
        comments.append("# A fifth of every class is the test part.")
    return [*comments, f"data: {{dataset: images, path: {quoted(shown)}{resize}, scale: 255}}", ""]
