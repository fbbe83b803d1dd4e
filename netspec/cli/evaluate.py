"""The command `netspec evaluate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import find_run
from netspec.cli.options import DataOption, DeviceOption, JsonOption, RunsOption
from netspec.cli.output import print_json, show_remarks
from netspec.text.diagnostics import NetspecError


def evaluate(
    run: Annotated[
        Path | None,
        typer.Argument(
            metavar="[RUN_OR_ONNX]",
            help="A run's folder or an exported ONNX file; without it, the newest run.",
        ),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="keras, torch or onnx; without it, the backend of the run.")
    ] = None,
    device: DeviceOption = "auto",
    data: DataOption = None,
    runs: RunsOption = Path("runs"),
    json_: JsonOption = False,
) -> None:
    """Test a run on any backend, or an exported ONNX file on ONNX Runtime."""
    from netspec.runs.evaluation import evaluate_file, evaluate_run
    from netspec.runs.exported import is_exported

    if run is not None and is_exported(run):
        if backend not in (None, "onnx"):
            message = f"{run} is an ONNX file, and --backend {backend} cannot run it"
            raise NetspecError(message, "leave --backend out, or name the run")
        subject, evaluation = run, evaluate_file(run, device, data)
    else:
        chosen = find_run(runs, run)
        subject, evaluation = chosen.path, evaluate_run(chosen, backend, device, data)
    show_remarks(evaluation.remarks)
    if json_:
        about = {"run": str(subject), "backend": evaluation.backend, "device": evaluation.device}
        print_json(about | {"images": evaluation.images} | evaluation.figures)
        return
    about = f"{subject} with {evaluation.backend} on {evaluation.device}"
    print(f"{about}: {evaluation.images:,} {evaluation.noun}, {evaluation.seconds:.1f} s")
    print(evaluation.table())
