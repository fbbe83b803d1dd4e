"""Classes for image files, by ONNX Runtime."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import Field, TypeAdapter, ValidationError

from netspec.backend import Device, ExportedModel, find_exporting
from netspec.data.decoding import converted, opened_image
from netspec.data.indices import check_indices
from netspec.diagnostics import DataError, RunError, SpecError
from netspec.graph import Graph, loads
from netspec.layers import written
from netspec.runs.exported import open_exported
from netspec.runs.folder import Run
from netspec.runs.measures import softmax
from netspec.weights import Array

_NAMES = TypeAdapter(tuple[str, ...])
_NUMBER = TypeAdapter(Annotated[float, Field(gt=0, lt=1e9, allow_inf_nan=False)])
BILINEAR = Image.Resampling.BILINEAR
_WRITTEN = "give a run, or a file that `netspec export --onnx` wrote"


@dataclass(frozen=True)
class Prediction:
    """The likeliest class of an image, and the probability of every class by name."""

    file: str
    label: str
    probability: float
    probabilities: dict[str, float]


def predict(
    model: Run | Path, images: list[Path], *, device: Device = "auto", invert: bool = False
) -> list[Prediction]:
    """Classify image files with a run, or with an ONNX file that netspec exported.

    Each image is made to fit: see `read_image`. With `invert`, light and dark change places first.
    Raises NetspecError.
    """
    if isinstance(model, Path):
        session = open_exported(model, device).model
    else:
        session = find_exporting("onnx").open(_exported(model), device)
    about = _about(session.metadata, model)
    shape = about.shape
    pixels = np.stack([read_image(path, shape, invert=invert) for path in images])
    outputs = _outputs(session, about, pixels)
    if not about.gives_probabilities:
        outputs = softmax(outputs)
    return [
        _prediction(path, row, about.class_names) for path, row in zip(images, outputs, strict=True)
    ]


def _exported(run: Run) -> bytes:
    return find_exporting("onnx").export(run.network, run.weights(), opset=None, raw_input=False)


@dataclass(frozen=True)
class _About:
    graph: Graph
    shape: tuple[int, int, int]
    class_names: tuple[str, ...]
    scale: float
    largest_pixel: int
    raw_input: bool
    gives_probabilities: bool


def _about(metadata: dict[str, str], model: Run | Path) -> _About:
    """What an exported model says of itself."""
    try:
        network = loads(metadata["netspec.spec"])
        height, width, channels = _classified(network.graph, model)
        names = _NAMES.validate_json(metadata["netspec.class_names"])
        scale, largest = metadata["netspec.scale"], metadata["netspec.largest_pixel"]
        about = _About(
            network.graph,
            (height, width, channels),
            names,
            _NUMBER.validate_json(scale),
            int(_NUMBER.validate_json(largest)),
            metadata["netspec.raw_input"] == "true",
            network.graph.ends[0].activation == "softmax",
        )
    except (KeyError, ValidationError, SpecError):
        message = f"{model} does not say how it takes images"
        raise RunError(message, _WRITTEN) from None
    if len(names) != network.graph.output.shape[-1]:
        message = f"{model} names {len(names)} classes, and has {network.graph.output.shape[-1]}"
        raise RunError(message, _WRITTEN)
    return about


def _classified(graph: Graph, model: Run | Path) -> tuple[int, int, int]:
    """The shape of the images that a network classifies. Raises RunError where it does not."""
    named = model.path if isinstance(model, Run) else model
    inputs, outputs = len(graph.inputs), len(graph.outputs)
    if inputs != 1 or outputs != 1:
        message = f"{named} has {inputs} inputs and {outputs} outputs"
    elif len(graph.input_shape) != 3:
        message = f"{named} takes {written(graph.input_shape)}, and an image has three axes"
    elif len(graph.output.shape) != 1 or graph.output.shape[-1] < 2:
        message = f"{named} gives {written(graph.output.shape)}, and not one value a class"
    else:
        height, width, channels = graph.input_shape
        return height, width, channels
    help = "images are classified by a network of one image and one output; use Python for others"
    raise RunError(message, help)


def read_image(
    path: Path, shape: tuple[int, int, int], *, invert: bool = False
) -> NDArray[np.uint8]:
    """The pixels (height, width, channels), uint8, of an image file made to fit `shape`.

    It is turned as its camera says, made grey for one channel or RGB for three (transparent parts
    become black), and scaled to the height and width, whatever its proportions were.
    """
    height, width, channels = shape
    if channels not in (1, 3):
        message = f"the network takes {channels} channels, and an image file has 1 or 3"
        raise DataError(message, "predict from Python with arrays instead")
    mode = "L" if channels == 1 else "RGB"
    with opened_image(path) as image:
        fitted = converted(image, mode, _on_black).resize((width, height), BILINEAR)
    pixels = np.asarray(fitted, np.uint8).reshape(shape)
    return 255 - pixels if invert else pixels


def _on_black(image: Image.Image) -> Image.Image:
    """An image of 8 bits a channel, whose transparent parts are black."""
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image.convert("RGBA"))
    return image


def _outputs(session: ExportedModel, about: _About, pixels: NDArray[np.uint8]) -> Array:
    """The model's outputs for pixels from 0 to 255, in the range that it was trained on."""
    trained = pixels.astype(np.float32) * np.float32(about.largest_pixel / 255)
    inputs = trained / np.float32(about.scale)
    check_indices(about.graph, [inputs], "images")
    if about.raw_input:
        return session.predict_pixels(np.rint(trained).astype(np.uint8))
    return session.predict(inputs)


def _prediction(path: Path, outputs: Array, names: tuple[str, ...]) -> Prediction:
    best = int(outputs.argmax())
    by_name = {name: float(value) for name, value in zip(names, outputs, strict=True)}
    return Prediction(str(path), names[best], float(outputs[best]), by_name)
