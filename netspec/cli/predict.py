"""The command `netspec predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import find_run
from netspec.cli.options import DeviceOption, JsonOption, ResizeName, RunsOption
from netspec.cli.output import print_json, show_remarks
from netspec.text.diagnostics import visible


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="An ONNX file or a run.")],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE...", help="Image files.")],
    device: DeviceOption = "auto",
    invert: Annotated[bool, typer.Option("--invert", help="Change light and dark first.")] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Only resize images of digits; do not prepare them.")
    ] = False,
    resize: Annotated[
        ResizeName | None,
        typer.Option(help="How an image is resized; without it, as the spec defines."),
    ] = None,
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Predict for image files through ONNX Runtime: classes, labels or values.

    An image is rotated by its EXIF data, and converted to grey for a network of one channel (RGB
    for three). Transparent pixels are paper. For the data sets mnist and digits an image is
    prepared like their images: dark ink on light paper is inverted, the ink is cropped, scaled and
    centred. Other images are stretched, padded or cropped to the network's height and width.
    """
    from netspec.runs.prediction import predict as predict_images
    from netspec.text.files import is_file

    chosen = model if is_file(model) else find_run(runs, model)
    predictions = predict_images(
        chosen, images, device=device, invert=invert, as_is=as_is, resize=resize
    )
    show_remarks([*dict.fromkeys(note for prediction in predictions for note in prediction.notes)])
    if json_:
        from dataclasses import asdict

        print_json([asdict(prediction) for prediction in predictions])
        return
    width = max(len(prediction.file) for prediction in predictions)
    for prediction in predictions:
        print(f"{prediction.file:{width}}  {visible(str(prediction))}")
