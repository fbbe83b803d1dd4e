"""Predictions for image files, by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydantic import TypeAdapter, ValidationError

from netspec.backend import Device, ExportedModel, find_exporting
from netspec.data.decoding import Fitting, SeenImage, read_image
from netspec.data.indices import check_indices
from netspec.data.pixels import WHITE, PixelRange, pixel_range
from netspec.data.record import parse_record
from netspec.graph import Graph
from netspec.language.data import DataFields, ImageResize, Resize, promise_of
from netspec.language.layers import written
from netspec.network import Network, loads
from netspec.numerics.weights import Array
from netspec.runs.exported import open_exported
from netspec.runs.folder import Run
from netspec.runs.meaning import Kind, Meaning, meaning_of
from netspec.runs.quantization import ScaledInputs
from netspec.text.diagnostics import NetspecError, RunError

IMAGE_AXES = 3
_NAMES = TypeAdapter(tuple[str, ...])


@dataclass(frozen=True)
class Prediction:
    """What a network predicts of an image.

    Of `kind` "classes" the probabilities add up to 1, and `label` is the likeliest class with its
    `probability`. For "labels" each has one of the `probabilities`. Of "values" the outputs are
    in `values`. What the kind has not is None or empty. `notes` are sentences about the image.
    """

    file: str
    kind: Kind
    label: str | None
    probability: float | None
    probabilities: dict[str, float]
    values: dict[str, float]
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The class with its probability, each label with its probability, or the values."""
        if self.kind == "classes":
            return f"{self.label}  {self.probability:.4f}"
        if self.kind == "labels":
            return "  ".join(f"{name} {value:.4f}" for name, value in self.probabilities.items())
        named = not all(name.isdigit() for name in self.values)
        return "  ".join(
            f"{name} {value:.6g}" if named else f"{value:.6g}"
            for name, value in self.values.items()
        )


def predict(
    model: Run | Path,
    images: list[Path],
    *,
    device: Device = "auto",
    invert: bool = False,
    as_is: bool = False,
    resize: Resize | None = None,
) -> list[Prediction]:
    """Predict for image files with a run, or with an ONNX file that netspec exported.

    Images are prepared as images of the data set, where it is known; with `as_is` they are only
    resized to the network's shape, by `resize` or the spec. With `invert`, light and dark
    change places first. Raises NetspecError.
    """
    if isinstance(model, Path):
        path, session = model, open_exported(model, device).model
        about = _about(session, path, session.remarks)
    else:
        path, session = model.path, find_exporting("onnx").open(_exported(model), device)
        about = _about(session, path, model.remarks)
    fitting = _fitting(about, as_is=as_is, invert=invert, resize=resize)
    seen = [read_image(image, fitting) for image in images]
    values = [
        about.pixels.values_of(decoded.pixels, str(image))
        for image, decoded in zip(images, seen, strict=True)
    ]
    inputs = np.stack(values) / np.float32(about.scale)
    check_indices(about.network.graph, [inputs], "images")
    outputs = about.meaning.read(ScaledInputs(session).predict(inputs))
    return [
        _prediction(image, decoded, row, about, path)
        for image, decoded, row in zip(images, seen, outputs, strict=True)
    ]


def _exported(run: Run) -> bytes:
    return find_exporting("onnx").export(
        run.network, run.weights(), opset=None, raw_input=False, record=run.about.data
    )


@dataclass(frozen=True)
class _About:
    """The facts in a model's file. `notes` are facts that a user would not expect."""

    network: Network
    shape: tuple[int, int, int]
    meaning: Meaning
    pixels: PixelRange
    scale: float
    notes: tuple[str, ...]


def _about(session: ExportedModel, path: Path, notes: tuple[str, ...]) -> _About:
    metadata = session.metadata
    try:
        network = loads(metadata["netspec.spec"])
        names = _NAMES.validate_json(metadata["netspec.class_names"])
    except (KeyError, NetspecError, ValidationError) as error:
        reason = str(error).partition("\n")[0]
        message = f"{path} does not say how it takes images ({reason})"
        help = "name a run, or a file that `netspec export --onnx` wrote"
        raise RunError(message, help) from None
    shape = _image_shape(network.graph, path)
    data, promise = network.spec.data, promise_of(network.spec.data)
    record = parse_record(metadata.get("netspec.data", ""))
    if record is None and promise.value_range is None:
        unknown = f"{path} does not record its training data: white is taken for 255 in them"
        notes = (*notes, unknown)
    arrays = record.arrays if record else {}
    named = (data and data.class_names) or (record and record.class_names)
    meaning = meaning_of(network, names if named else None)
    scale = network.scales[network.graph.inputs[0].name]
    pixels = pixel_range(promise, arrays.get("x_train"))
    return _About(network, shape, meaning, pixels, scale, notes)


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


def _prediction(
    image: Path, seen: SeenImage, outputs: Array, about: _About, model: Path
) -> Prediction:
    if not np.isfinite(outputs).all():
        message = f"{model} predicts values for {image} that are not finite"
        raise RunError(message, "its weights are not sound: train it again")
    kind, names = about.meaning.kind, about.meaning.names
    by_name = {name: float(value) for name, value in zip(names, outputs, strict=True)}
    best = names[int(outputs.argmax())] if kind == "classes" else None
    preparation = (f"{image}: {'; '.join(seen.notes)}",) if seen.notes else ()
    return Prediction(
        str(image),
        kind,
        best,
        None if best is None else by_name[best],
        {} if kind == "values" else by_name,
        by_name if kind == "values" else {},
        (*about.notes, *preparation),
    )
