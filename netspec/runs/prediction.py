"""Predictions for image files, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from netspec.data.decoding import Fitting, read_image
from netspec.data.examples import at_once
from netspec.data.folders import images_below
from netspec.data.indices import check_indices
from netspec.data.pixels import WHITE, PixelRange, pixel_range
from netspec.graph import Graph
from netspec.language.data import DataFields, ImageResize, Resize, promise_of
from netspec.language.layers import written
from netspec.numerics.weights import Array
from netspec.runs.answers import Prediction, prediction_of
from netspec.runs.arrays import all_outputs
from netspec.runs.meaning import Meaning
from netspec.runs.opened import OpenedModel
from netspec.runs.predicted import Rows, first_not_finite, not_finite, read_outputs
from netspec.runs.quantization import ScaledInputs
from netspec.text.diagnostics import DataError, RunError

IMAGE_AXES = 3
_REMEDY = "its weights are not sound: train it again"


def predict_images(
    opened: OpenedModel,
    images: list[Path],
    *,
    invert: bool = False,
    as_is: bool = False,
    resize: Resize | None = None,
) -> list[Prediction] | Array | dict[str, NDArray[Any]]:
    """Predict for image files, and for those in folders; see `ImagePredictions`.

    Of a network with several outputs, or an output that is no vector, the result is arrays.
    """
    of_images = ImagePredictions(opened, images, invert=invert, as_is=as_is, resize=resize)
    if len(opened.meanings) > 1 or any(not some.is_vector for some in opened.meanings):
        return all_outputs(opened, [rows.outputs for rows in of_images.rows()])
    return list(of_images.predictions())


def _listed(paths: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The image files among the paths and in the folders among them, sorted within a folder.

    Each has a name without an end: of a file in a folder, with the folders between them. Raises
    DataError where a folder has no images.
    """
    for path in paths:
        if path.is_dir():
            for file in images_below(path, str(path)):
                yield file, str(file.relative_to(path).with_suffix(""))
        else:
            yield path, path.stem


class ImagePredictions:
    """The predictions for image files, and for those in folders; see `Predictions`.

    Images are prepared as images of the data set, where it is known; with `as_is` they are only
    resized to the network's shape, by `resize` or the spec. With `invert`, light and dark
    change places first. With `broken`, the errors of files that cannot be decoded are added to it,
    and the other images are predicted.
    """

    unit = "images"
    saved_names = ("file",)
    names = ("file",)
    target = None
    remarks = ()

    def __init__(
        self,
        opened: OpenedModel,
        paths: Sequence[Path],
        *,
        invert: bool,
        as_is: bool,
        resize: Resize | None,
        broken: list[DataError] | None = None,
    ) -> None:
        """List the images; none is read before `rows`. Raises NetspecError."""
        self.opened, self._broken = opened, broken
        self._about = _about(opened)
        names = [*_listed(paths)]
        self.files = [file for file, _ in names]
        self.image_names = [name for _, name in names]
        self.count = len(self.files)
        self.name_width = max(len(str(file)) for file in self.files)
        self._fitting = _fitting(self._about, as_is=as_is, invert=invert, resize=resize)
        self._predictor = ScaledInputs(opened.session)
        self.meanings = opened.meanings

    def predictions(self) -> Iterator[Prediction]:
        """The predictions of a network with one vector as output."""
        (meaning,) = self.meanings
        for rows in self.rows():
            (file,), (outputs,) = rows.texts[0], rows.outputs
            yield prediction_of(file, outputs[0], meaning, rows.notes)

    def rows(self, *, texts: bool = True) -> Iterator[Rows]:  # noqa: ARG002 - always has files
        """See `Predictions`: one image each, with notes about it."""
        size = at_once(max(prod(self._about.shape), *map(_values, self.meanings)))
        for first in range(0, self.count, size):
            seen: list[tuple[int, tuple[str, ...]]] = []
            values: list[Array] = []
            for place, image in enumerate(self.files[first : first + size], first):
                try:
                    decoded = read_image(image, self._fitting)
                    values.append(self._about.pixels.values_of(decoded.pixels, str(image)))
                except DataError as error:
                    if self._broken is None:
                        raise
                    self._broken.append(error)
                else:
                    seen.append((place, decoded.notes))
            if seen:
                yield from self._predicted(seen, np.stack(values))

    def _predicted(self, seen: list[tuple[int, tuple[str, ...]]], values: Array) -> Iterator[Rows]:
        about = self._about
        inputs = values / np.float32(about.scale)
        check_indices(self.opened.network.graph, [inputs], "images")
        outputs = read_outputs(self.opened, self._predictor.outputs(inputs))
        wrong = first_not_finite(outputs)
        for row, (place, notes) in enumerate(seen):
            image = self.files[place]
            if row == wrong:
                raise not_finite(self.opened, str(image), _REMEDY)
            about_image = (f"{image}: {'; '.join(notes)}",) if notes else ()
            of_image = tuple(output[row : row + 1] for output in outputs)
            yield Rows(place, of_image, [[str(image)]], (*about.notes, *about_image))

    @property
    def value_range(self) -> tuple[float, float]:
        """See `Drawable`: of an autoencoder the range of its inputs."""
        data, pixels = self._about.data, self._about.pixels
        if data is None or not data.own_targets:
            return 0, 1
        return pixels.black / self._about.scale, pixels.white / self._about.scale

    def image_name(self, rows: Rows, place: int) -> str:
        """See `Drawable`."""
        return self.image_names[rows.start + place]

    def key(self, rows: Rows, place: int) -> dict[str, Any]:
        """See `Predictions`: the file, and the notes about it."""
        return {"file": rows.texts[place][0], "notes": list(rows.notes)}


def _values(meaning: Meaning) -> int:
    return prod(meaning.axes) * len(meaning.names)


@dataclass(frozen=True)
class _About:
    """How a model takes images. `notes` are facts that a user would not expect."""

    data: DataFields | None
    shape: tuple[int, int, int]
    pixels: PixelRange
    scale: float
    notes: tuple[str, ...]


def _about(opened: OpenedModel) -> _About:
    path, network, record, notes = opened.path, opened.network, opened.record, opened.notes
    if opened.preparation:
        message = f"{path} takes the columns of a table, and no images"
        raise RunError(message, "name a CSV, Parquet or Arrow file")
    shape = _image_shape(network.graph, path)
    promise = promise_of(network.spec.data)
    if record is None and promise.value_range is None:
        unknown = f"{path} does not record its training data: white is taken for 255 in them"
        notes = (*notes, unknown)
    arrays = record.arrays if record else {}
    scale = network.scales[network.graph.inputs[0].name]
    pixels = pixel_range(promise, arrays.get("x_train"))
    return _About(network.spec.data, shape, pixels, scale, notes)


def _image_shape(graph: Graph, path: Path) -> tuple[int, int, int]:
    """The shape of the images that a network takes. Raises RunError where it does not."""
    if len(graph.inputs) != 1:
        message = f"{path} has {len(graph.inputs)} inputs, and predict takes one image each"
    elif len(graph.input_shape) != IMAGE_AXES:
        message = f"{path} takes {written(graph.input_shape)}, and an image has three axes"
    else:
        height, width, channels = graph.input_shape
        return height, width, channels
    raise RunError(message, "name a file of arrays, .npz or .npy; or use predict of Python")


def _fitting(about: _About, *, as_is: bool, invert: bool, resize: Resize | None) -> Fitting:
    promise = promise_of(about.data)
    preparation = None if as_is else promise.preparation
    if preparation and resize:
        message = f"images are prepared as images of {preparation}, and --resize is for others"
        raise RunError(message, "leave --resize out, or add --as-is")
    deep = about.pixels.white != WHITE or not about.pixels.whole
    resizing = _resizing(about.data, resize)
    return Fitting(about.shape, invert, preparation, resizing, deep, reduced=promise.decoded)


def _resizing(data: DataFields | None, mode: Resize | None) -> ImageResize:
    """The resizing of images: as in the spec, with another mode where one is requested."""
    default = (data and data.resize) or ImageResize(mode="stretch")
    return default.model_copy(update={"mode": mode}) if mode else default
