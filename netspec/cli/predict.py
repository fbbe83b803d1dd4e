"""The command `netspec predict`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.inputs import find_run
from netspec.cli.options import DeviceOption, JsonOption, ResizeName, RunsOption
from netspec.cli.output import print_json, show_error, show_remarks
from netspec.text.diagnostics import NetspecError, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netspec.runs.answers import Prediction
    from netspec.runs.opened import OpenedModel
    from netspec.text.diagnostics import DataError


def predict(
    model: Annotated[Path, typer.Argument(metavar="MODEL_OR_RUN", help="An ONNX file or a run.")],
    inputs: Annotated[
        list[Path],
        typer.Argument(metavar="INPUT...", help="Images or folders of images; or one table."),
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
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Predict for images or the rows of a table through ONNX Runtime: classes, labels or values.

    A table is a CSV, Parquet or Arrow file. Its columns are found by their names, in any order;
    --csv adds the predictions to them.

    An image is rotated by its EXIF data, and converted to grey for a network of one channel (RGB
    for three). Transparent pixels are paper. For the data sets mnist and digits an image is
    prepared like their images: dark ink on light paper is inverted, the ink is cropped, scaled and
    centred. Other images are stretched, padded or cropped to the network's height and width.
    """
    from netspec.runs.opened import open_model
    from netspec.text.files import is_file

    if json_ and csv:
        raise NetspecError("--json and --csv are two forms of the output", "choose one of them")
    opened = open_model(model if is_file(model) else find_run(runs, model), device)
    if opened.preparation:
        from netspec.cli.predicted_rows import predict_table

        if invert or as_is or resize:
            message = f"{opened.path} takes the rows of a table, and no images"
            raise NetspecError(message, "leave --invert, --as-is and --resize out")
        predict_table(opened, inputs, top=top, csv=csv, json_=json_)
        return
    _predict_images(
        opened, inputs, invert=invert, as_is=as_is, resize=resize, top=top, csv=csv, json_=json_
    )


def _predict_images(
    opened: OpenedModel,
    inputs: list[Path],
    *,
    invert: bool,
    as_is: bool,
    resize: ResizeName | None,
    top: int | None,
    csv: Path | None,
    json_: bool,
) -> None:
    from netspec.cli.output import counted, write_csv
    from netspec.runs.answers import Answers
    from netspec.runs.prediction import ImagePredictions, listed

    predicting = ImagePredictions(opened, invert=invert, as_is=as_is, resize=resize)
    answers = Answers(predicting.meaning, None, top)
    images = listed(inputs)
    broken: list[DataError] = []
    predictions = counted(predicting.predictions(images, broken), "images", len(images))
    if csv:
        rows = ([some.file, *answers.texts(some.outputs)[0]] for some in _noted(predictions))
        write_csv(csv, ["file", *answers.names], rows)
    elif json_:
        print_json([some.to_json(top) for some in _noted(predictions)])
    else:
        _print(predictions, images, top)
    for error in broken:
        show_error(error)
    if broken:
        raise typer.Exit(1)


def _noted(predictions: Iterable[Prediction]) -> Iterable[Prediction]:
    """The predictions; new notes about each are shown before it."""
    shown: set[str] = set()
    for prediction in predictions:
        show_remarks([note for note in prediction.notes if note not in shown])
        shown.update(prediction.notes)
        yield prediction


def _print(predictions: Iterable[Prediction], images: list[Path], top: int | None) -> None:
    """A line for every image, aligned."""
    width = max(len(str(image)) for image in images)
    for prediction in _noted(predictions):
        print(f"{prediction.file:{width}}  {visible(prediction.shown(top))}")
