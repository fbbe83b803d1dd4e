"""A spec for an .npz file: the kind of its inputs and labels, and a small network for them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.drafts.images import Shape, write_image_layers
from netspec.data.drafts.writing import (
    Draft,
    Place,
    Training,
    class_training,
    number_training,
    plural,
    quoted,
    write_classes,
    write_head,
    write_numbers,
    write_training,
)
from netspec.data.npz import KEYS, read_npz
from netspec.language.layers import written
from netspec.text.diagnostics import DataError

WHITES = (1, 16, 255, 65535)
"""What the values of images end at."""

MAX_CLASSES = 1_000
MANY = 50
"""From this number on, different whole numbers may be quantities, not classes."""


@dataclass(frozen=True)
class Labels:
    """The layers that a network ends in, its training, and what the labels are, in words."""

    layers: list[str]
    training: Training
    title: str
    first: int = 0


def draft_arrays(name: str, place: Place) -> Draft:
    """A spec for the arrays x_train, y_train, x_test and y_test. Raises DataError."""
    arrays = read_npz(place.path, KEYS, ("w_train", "w_test"))
    x, y = arrays["x_train"], np.asarray(arrays["y_train"])
    if x.ndim < 2 or not len(x):
        message = f"x_train in {place.relative} is {written(x.shape)}, and has no values an example"
        raise DataError(message, "its first axis is the examples, and the second their values")
    labels = _labels(y)
    shape = x.shape[1:]
    image = (len(shape) == 3 and shape[-1] in (1, 3)) or (len(shape) == 2 and x.dtype.kind in "ui")
    kind = "images" if image else "vectors" if len(shape) == 1 else "sequences"
    seen = (
        f"{len(x):,} {kind} {written(shape)} in {place.relative}",
        labels.title,
    )
    if len(shape) > 2 and not image:
        message = f"x_train in {place.relative} is {written(x.shape)}"
        help = (
            "a spec is written for images, vectors and sequences; write it with `netspec new NAME`"
        )
        raise DataError(message, help)
    size = (*shape, 1) if image and len(shape) == 2 else shape
    scale = _scale(np.asarray(x[:1000])) if image else 1
    lines = [
        *write_head(name, seen),
        f"input: {[*size]!s}",
        "",
        *(write_image_layers(Shape(*size, resized=False)) if image else _layers(len(shape))),
        *labels.layers,
        "",
        _data(place, scale, labels.first),
        "",
        *write_training(labels.training),
    ]
    return Draft("\n".join(lines) + "\n", seen)


def _layers(axes: int) -> list[str]:
    if axes == 1:
        return [
            "layers:",
            "  - BatchNormalization: {momentum: 0.9}   # brings all features to the same scale",
            "  - Dense: {units: 64, activation: relu}",
            "  - Dense: {units: 64, activation: relu}",
        ]
    return [
        "layers:",
        "  - BatchNormalization: {momentum: 0.9}   # brings all features to the same scale",
        "  - Conv1D: {filters: 64, kernel_size: 5, padding: same, activation: relu}",
        "  - Conv1D: {filters: 64, kernel_size: 5, padding: same, activation: relu}",
        "  - GlobalAveragePooling1D",
    ]


def _labels(y: NDArray[Any]) -> Labels:
    """Classes where labels are a few whole numbers or zeros and ones, else numbers."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim == 1 and y.dtype.kind in "ui" and _are_classes(y):
        first, count = int(y.min()), int(y.max() - y.min()) + 1
        counts = np.bincount((y - first).astype(np.int64))
        smallest = int(counts[counts > 0].min())
        training = class_training(len(y), smallest)
        return Labels(write_classes(count), training, plural(count, "class"), first)
    if y.ndim > 2:
        help = "a spec is written for classes and numbers; write it with `netspec new NAME`"
        raise DataError(f"y_train is {written(y.shape)}", help)
    values = y.astype(np.float64).reshape(len(y), -1)
    means, deviations = values.mean(0), values.std(0)
    count = values.shape[1]
    title = f"{plural(count, 'number')} to predict"
    return Labels(write_numbers(means, deviations), number_training(len(y)), title)


def _are_classes(y: NDArray[Any]) -> bool:
    different = len(np.unique(y))
    span = int(y.max()) - int(y.min()) + 1
    few = different < MANY or different < len(y) / 20
    return 1 < span <= MAX_CLASSES and few and 2 * different >= span


def _scale(images: NDArray[Any]) -> int:
    """What pixels are divided by: the white of the images."""
    greatest = float(images.max(initial=0))
    return next((white for white in WHITES if greatest <= white), 1)


def _data(place: Place, scale: int, first: int) -> str:
    fields = [f"dataset: npz, path: {quoted(place.relative)}"]
    fields += [f"scale: {scale}"] if scale != 1 else []
    fields += [f"labels_from: {first}"] if first else []
    return f"data: {{{', '.join(fields)}}}"
