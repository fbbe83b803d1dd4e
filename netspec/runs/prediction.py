"""Predictions for image files, by ONNX Runtime."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from netspec.data.decoding import Fitting, read_image
from netspec.data.examples import at_once
from netspec.data.folders import images_below
from netspec.data.indices import check_indices
from netspec.data.pixels import WHITE, PixelRange, pixel_range
from netspec.graph import Graph
from netspec.language.data import DataFields, ImageResize, Resize, promise_of
from netspec.language.layers import written
from netspec.network import Network
from netspec.numerics.weights import Array
from netspec.runs.answers import Prediction, prediction_of
from netspec.runs.meaning import Meaning, meaning_of
from netspec.runs.opened import OpenedModel
from netspec.runs.quantization import ScaledInputs
from netspec.text.diagnostics import DataError, RunError

IMAGE_AXES = 3
_NAMES = TypeAdapter(tuple[str, ...])


def predict_images(
    opened: OpenedModel,
    images: list[Path],
    *,
    invert: bool = False,
    as_is: bool = False,
    resize: Resize | None = None,
) -> list[Prediction]:
    """Predict for image files, and for those in folders; see `ImagePredictions`."""
    of_images = ImagePredictions(opened, invert=invert, as_is=as_is, resize=resize)
    return [*of_images.predictions(listed(images))]


def listed(paths: Iterable[Path]) -> list[Path]:
    """The image files among the paths and in the folders among them, sorted within a folder.

    Raises DataError where a folder has no images.
    """
    return [
        file
        for path in paths
        for file in (images_below(path, str(path)) if path.is_dir() else [path])
    ]


class ImagePredictions:
    """The predictions for image files, some at a time, so that the memory has a bound.

    Images are prepared as images of the data set, where it is known; with `as_is` they are only
    resized to the network's shape, by `resize` or the spec. With `invert`, light and dark
    change places first. Raises NetspecError.
    """

    def __init__(
        self, opened: OpenedModel, *, invert: bool, as_is: bool, resize: Resize | None
    ) -> None:
        self._about = _about(opened)
        self._fitting = _fitting(self._about, as_is=as_is, invert=invert, resize=resize)
        self._predictor = ScaledInputs(opened.session)
        self.meaning = self._about.meaning

    def predictions(
        self, images: Sequence[Path], broken: list[DataError] | None = None
    ) -> Iterator[Prediction]:
        """The predictions in the order of the images.

        With `broken`, the errors of files that cannot be decoded are added to it, and the other
        images are predicted.
        """
        size = at_once(prod(self._about.shape))
        for start in range(0, len(images), size):
            seen: list[tuple[Path, tuple[str, ...]]] = []
            values: list[Array] = []
            for image in images[start : start + size]:
                try:
                    decoded = read_image(image, self._fitting)
                    values.append(self._about.pixels.values_of(decoded.pixels, str(image)))
                except DataError as error:
                    if broken is None:
                        raise
                    broken.append(error)
                else:
                    seen.append((image, decoded.notes))
            if seen:
                yield from self._predicted(seen, np.stack(values))

    def _predicted(
        self, seen: list[tuple[Path, tuple[str, ...]]], values: Array
    ) -> Iterator[Prediction]:
        about = self._about
        inputs = values / np.float32(about.scale)
        check_indices(about.network.graph, [inputs], "images")
        outputs = about.meaning.read(self._predictor.predict(inputs))
        for (image, notes), row in zip(seen, outputs, strict=True):
            if not np.isfinite(row).all():
                message = f"{about.path} predicts values for {image} that are not finite"
                raise RunError(message, "its weights are not sound: train it again")
            about_image = (f"{image}: {'; '.join(notes)}",) if notes else ()
            yield prediction_of(str(image), row, about.meaning, (*about.notes, *about_image))


@dataclass(frozen=True)
class _About:
    """The facts in a model's file. `notes` are facts that a user would not expect."""

    path: Path
    network: Network
    shape: tuple[int, int, int]
    meaning: Meaning
    pixels: PixelRange
    scale: float
    notes: tuple[str, ...]


def _about(opened: OpenedModel) -> _About:
    path, network, record, notes = opened.path, opened.network, opened.record, opened.notes
    if opened.preparation:
        message = f"{path} takes the columns of a table, and no images"
        raise RunError(message, "name a CSV, Parquet or Arrow file")
    metadata = opened.session.metadata
    try:
        names = _NAMES.validate_json(metadata["netspec.class_names"])
    except (KeyError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        message = f"{path} does not say how it takes images ({reason})"
        help = "name a run, or a file that `netspec export --onnx` wrote"
        raise RunError(message, help) from None
    shape = _image_shape(network.graph, path)
    data, promise = network.spec.data, promise_of(network.spec.data)
    if record is None and promise.value_range is None:
        unknown = f"{path} does not record its training data: white is taken for 255 in them"
        notes = (*notes, unknown)
    arrays = record.arrays if record else {}
    named = (data and data.class_names) or (record and record.class_names)
    meaning = meaning_of(network, names if named else None)
    scale = network.scales[network.graph.inputs[0].name]
    pixels = pixel_range(promise, arrays.get("x_train"))
    return _About(path, network, shape, meaning, pixels, scale, notes)


def _image_shape(graph: Graph, path: Path) -> tuple[int, int, int]:
    """The shape of the images that a network takes. Raises RunError where it does not."""
    inputs, outputs = len(graph.inputs), len(graph.outputs)
    if inputs != 1 or outputs != 1:
        message = f"{path} has {inputs} inputs and {outputs} outputs"
    elif len(graph.input_shape) != IMAGE_AXES:
        message = f"{path} takes {written(graph.input_shape)}, and an image has three axes"
    elif len(graph.output.shape) != 1:
        message = f"{path} has the output {written(graph.output.shape)}, not one vector of values"
    else:
        height, width, channels = graph.input_shape
        return height, width, channels
    help = "predict takes a network of one image and one output; use Python for others"
    raise RunError(message, help)


def _fitting(about: _About, *, as_is: bool, invert: bool, resize: Resize | None) -> Fitting:
    data = about.network.spec.data
    promise = promise_of(data)
    preparation = None if as_is else promise.preparation
    if preparation and resize:
        message = f"images are prepared as images of {preparation}, and --resize is for others"
        raise RunError(message, "leave --resize out, or add --as-is")
    deep = about.pixels.white != WHITE or not about.pixels.whole
    resizing = _resizing(data, resize)
    return Fitting(about.shape, invert, preparation, resizing, deep, reduced=promise.decoded)


def _resizing(data: DataFields | None, mode: Resize | None) -> ImageResize:
    """The resizing of images: as in the spec, with another mode where one is requested."""
    default = (data and data.resize) or ImageResize(mode="stretch")
    return default.model_copy(update={"mode": mode}) if mode else default
