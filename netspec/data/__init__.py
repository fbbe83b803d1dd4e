"""Data sets: fetched, checked, cached; the batch order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.diagnostics import DataError
from netspec.graph import Network
from netspec.layers import Shape, written
from netspec.seeds import generator
from netspec.spec import DataSpec, Digits, Idx, Mnist, Npz

Arrays = Mapping[str, NDArray[Any]]
"""x_train, y_train, x_test and y_test, as they are stored."""


@dataclass(frozen=True)
class Examples:
    """Inputs (n, height, width, channels) float32, scaled, and labels (n) int32."""

    inputs: NDArray[np.float32]
    labels: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Dataset:
    """What a network is trained on, what it is tested on, and what training never sees."""

    train: Examples
    validation: Examples | None
    test: Examples


def load(network: Network) -> Dataset:
    """The data set of a spec, fetched where it must be. Raises DataError."""
    data = network.spec.data
    if data is None:
        help = "add `data: {dataset: mnist, scale: 255}` or another data set to the spec"
        raise DataError(f"{network.spec.name} names no data set", help)
    arrays = _arrays(data, network.folder)
    classes = network.graph.output.shape[-1]
    shape = network.graph.input_shape
    train = _examples(arrays, "train", data.scale, shape, classes)
    test = _examples(arrays, "test", data.scale, shape, classes)
    split = network.spec.train.validation_split if network.spec.train else 0.0
    return Dataset(*_split(train, split), test)


def _arrays(data: DataSpec, folder: Path) -> Arrays:
    # Each source is imported where it is used: summary and check read no data.
    match data:
        case Mnist():
            from netspec.data.mnist import load_mnist

            return load_mnist()
        case Digits():
            from netspec.data.digits import load_digits

            return load_digits()
        case Npz():
            from netspec.data.npz import read_npz

            return read_npz(folder / data.path)
        case Idx():
            from netspec.data.idx import read_idx

            return {
                "x_train": read_idx(folder / data.train_images),
                "y_train": read_idx(folder / data.train_labels),
                "x_test": read_idx(folder / data.test_images),
                "y_test": read_idx(folder / data.test_labels),
            }


def _examples(arrays: Arrays, part: str, scale: float, shape: Shape, classes: int) -> Examples:
    images, labels = arrays[f"x_{part}"], arrays[f"y_{part}"]
    if images.shape[1:] != shape and (*images.shape[1:], 1) != shape:
        message = (
            f"the {part} images are {written(images.shape[1:])}, and the input is {written(shape)}"
        )
        raise DataError(message, "change `input` in the spec, or the data")
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1 or not np.issubdtype(labels.dtype, np.integer):
        message = f"the {part} labels are {labels.dtype} of the shape {written(labels.shape)}"
        raise DataError(message, "labels are whole numbers, one an image, that count from 0")
    if len(images) != len(labels) or not len(images):
        message = f"there are {len(images):,} {part} images and {len(labels):,} labels"
        raise DataError(message, "every image needs one label")
    if labels.min() < 0 or labels.max() >= classes:
        wrong = labels.min() if labels.min() < 0 else labels.max()
        message = f"a {part} label is {wrong}, and the network has the classes 0 to {classes - 1}"
        raise DataError(message, "change the units of the last layer, or the labels")
    inputs = images.reshape(-1, *shape).astype(np.float32) / np.float32(scale)
    if not np.isfinite(inputs).all():
        raise DataError(f"the {part} images hold values that are not finite", "clean the data")
    return Examples(inputs, labels.astype(np.int32))


def _split(train: Examples, fraction: float) -> tuple[Examples, Examples | None]:
    """Keras's split: the last part is for validation, before anything is shuffled."""
    if fraction == 0:
        return train, None
    kept = int(len(train) * (1 - fraction))
    if kept in (0, len(train)):
        message = f"validation_split {fraction} of {len(train):,} images leaves a part without any"
        raise DataError(message, "choose a fraction that leaves images on both sides")
    return (
        Examples(train.inputs[:kept], train.labels[:kept]),
        Examples(train.inputs[kept:], train.labels[kept:]),
    )


def epoch_order(count: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """The order in which an epoch sees its images: a permutation of 0 … count - 1.

    Epochs count from 1. The order depends on the three numbers alone, so a run that goes on from
    its last epoch sees what the unbroken run would have seen.
    """
    return generator(seed, f"order/{epoch}").permutation(count)


def mask_seed(seed: int, epoch: int) -> int:
    """The seed, below 2**31, of the random masks of an epoch."""
    return int(generator(seed, f"masks/{epoch}").integers(2**31))
