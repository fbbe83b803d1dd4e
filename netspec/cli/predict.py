"""The command `netspec predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.inputs import find_run
from netspec.cli.options import DeviceOption, JsonOption, ResizeName, RunsOption
from netspec.cli.output import show_error
from netspec.text.diagnostics import NetspecError

if TYPE_CHECKING:
    from netspec.runs.opened import OpenedModel
    from netspec.runs.predicted import Predictions
    from netspec.text.diagnostics import DataError


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="An ONNX file or a run.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT...", help="Images or folders of images; one table; one file of arrays."
        ),
    ],
    device: DeviceOption = "auto",
    invert: Annotated[bool, typer.Option("--invert", help="Change light and dark first.")] = False,
    as_is: Annotated[
        bool, typer.Option("--as-is", help="Only resize images of digits; do not prepare them.")
    ] = False,
    resize: Annotated[
        ResizeName | None,
        typer.Option(help="How an image is resized; without it, as the spec defines."),
    ] = None,
    top: Annotated[
        int | None, typer.Option(min=1, metavar="K", help="The K most probable classes.")
    ] = None,
    csv: Annotated[
        Path | None,
        typer.Option("--csv", metavar="FILE", help="Write a CSV file; - is the standard output."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="A folder for images of predicted pixels; or FILE.npz for all outputs as arrays.",
        ),
    ] = None,
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Predict through ONNX Runtime: classes, labels or values, of images, tables or arrays.

    A table is a CSV, Parquet or Arrow file. Its columns are found by their names, in any order;
    --csv adds the predictions to them. Of a series, the rows after the last row of each group are
    predicted. Arrays are in .npz or .npy files: under the name of the input, or x or x_test.

    An image is rotated by its EXIF data, and converted to grey for a network of one channel (RGB
    for three). Transparent pixels are paper. For the data sets mnist and digits an image is
    prepared like their images: dark ink on light paper is inverted, the ink is cropped, scaled and
    centred. Other images are stretched, padded or cropped to the network's height and width.
    """
    from netspec.cli.predicted import Form, show
    from netspec.runs.opened import open_model
    from netspec.text.files import is_file

    form = Form(top, csv, json_, output)
    form.check()
    opened = open_model(model if is_file(model) else find_run(runs, model), device)
    broken: list[DataError] = []
    predictions = _of_values(opened, inputs)
    if predictions is None:
        from netspec.runs.prediction import ImagePredictions

        predictions = ImagePredictions(
            opened, inputs, invert=invert, as_is=as_is, resize=resize, broken=broken
        )
    elif invert or as_is or resize:
        message = f"{predictions.unit} are predicted, and no images"
        raise NetspecError(message, "leave --invert, --as-is and --resize out")
    try:
        show(predictions, form)
    finally:
        for error in broken:
            show_error(error)
    if broken:
        raise typer.Exit(1)


def _of_values(opened: OpenedModel, inputs: list[Path]) -> Predictions | None:
    """The predictions for arrays or a table; None for images. Raises NetspecError."""
    from netspec.runs.predicted import only_file
    from netspec.runs.stored import ArrayPredictions, are_arrays

    if are_arrays(inputs):
        return ArrayPredictions(opened, inputs)
    if opened.series:
        from netspec.runs.forecast import SeriesPredictions

        return SeriesPredictions(opened, only_file(inputs))
    if opened.preparation:
        from netspec.runs.rows import TablePredictions

        return TablePredictions(opened, only_file(inputs))
    return None
