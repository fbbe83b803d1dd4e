"""Classes for image files, by ONNX Runtime."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from netspec.backend import Device, ExportedModel, find_exporting
from netspec.diagnostics import BackendError, DataError, RunError
from netspec.graph import Graph, loads
from netspec.layers import written
from netspec.runs.exported import read_content
from netspec.runs.folder import Run
from netspec.runs.measures import softmax
from netspec.weights import Array

MAX_PIXELS = 80_000_000  # fewer than Pillow warns of


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
    target = find_exporting("onnx")
    content = read_content(model) if isinstance(model, Path) else _exported(model)
    try:
        session = target.open(content, device)
    except BackendError as error:
        raise BackendError(f"{model}: {error.message}", error.help) from None
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
        return _About(
            (height, width, channels),
            tuple(json.loads(metadata["netspec.class_names"])),
            float(metadata["netspec.scale"]),
            int(metadata["netspec.largest_pixel"]),
            metadata["netspec.raw_input"] == "true",
            network.graph.ends[0].activation == "softmax",
        )
    except (KeyError, ValueError) as error:
        message = f"{model} does not say how it takes images ({error})"
        raise RunError(
            message, "give a run, or a file that `netspec export --onnx` wrote"
        ) from None


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
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as opened:
            if opened.width * opened.height > MAX_PIXELS:
                message = f"{path} has {opened.width}x{opened.height} pixels"
                raise DataError(message, f"the limit is {MAX_PIXELS:,}; make it smaller")
            fitted = _fitted(ImageOps.exif_transpose(opened), height, width, channels)
    except UnidentifiedImageError:
        raise DataError(f"{path} is not a PNG or JPEG image", "convert it first") from None
    except FileNotFoundError:
        raise DataError(f"there is no file {path}", "check the path") from None
    except IsADirectoryError:
        raise DataError(f"{path} is a folder", f"name its images, as in {path / '*.png'}") from None
    except Image.DecompressionBombError:
        raise DataError(f"{path} has too many pixels", f"the limit is {MAX_PIXELS:,}") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise DataError(f"{path} cannot be read: {error}", "the file is damaged") from None
    pixels = np.asarray(fitted, np.uint8).reshape(shape)
    return 255 - pixels if invert else pixels


def _fitted(image: Image.Image, height: int, width: int, channels: int) -> Image.Image:
    if image.mode.startswith("I"):  # 16 bits a pixel
        image = Image.fromarray((np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        black = Image.new("RGBA", image.size, "black")
        image = Image.alpha_composite(black, image.convert("RGBA"))
    image = image.convert("L" if channels == 1 else "RGB")
    return image.resize((width, height), Image.Resampling.BILINEAR)


def _outputs(session: ExportedModel, about: _About, pixels: NDArray[np.uint8]) -> Array:
    """The model's outputs for pixels from 0 to 255, in the range that it was trained on."""
    trained = pixels.astype(np.float32) * np.float32(about.largest_pixel / 255)
    if about.raw_input:
        return session.predict_pixels(np.rint(trained).astype(np.uint8))
    return session.predict(trained / np.float32(about.scale))


def _prediction(path: Path, outputs: Array, names: tuple[str, ...]) -> Prediction:
    best = int(outputs.argmax())
    by_name = {name: float(value) for name, value in zip(names, outputs, strict=True)}
    return Prediction(str(path), names[best], float(outputs[best]), by_name)
