"""Small image files for tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from netspec.network import Network, loads

SIZE = 8  # pixels


def save_image(path: Path, value: int = 100, **options) -> Path:
    """Write a grey RGB image in the format of the file name's suffix."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (SIZE, SIZE), (value,) * 3).save(path, **options)
    return path


def save_classes(folder: Path, count: int = 10, classes: str = "cat dog") -> Path:
    """Write `count` different PNG files for every class."""
    for label, name in enumerate(classes.split()):
        for index in range(count):
            save_image(folder / name / f"p{index:02}.png", 100 * label + index)
    return folder


def spec_of(
    folder: Path, data: str = "", *, train: str = "", units: int = 2, shape: str = "[8, 8, 3]"
) -> Network:
    """A network for the images of `folder / "photos"`."""
    text = f"""\
netspec: 1
name: photographs
input: {shape}
layers: [Flatten, Dense: {{units: {units}, activation: softmax}}]
data: {{dataset: images, path: photos, scale: 255{data}}}
train: {{loss: sparse_categorical_crossentropy, epochs: 2, batch_size: 8{train}}}
"""
    return loads(text, folder)


def half_bright(size: int = 40, *, top: bool = True, seed: int | None = None) -> Image.Image:
    """An image with a bright upper or lower half; a seed adds noise."""
    values = np.full((size, size, 3), 30, np.uint8)
    values[: size // 2] = 220
    if seed is not None:
        values += np.random.default_rng(seed).integers(0, 30, values.shape, np.uint8)
    return Image.fromarray(values if top else values[::-1])
