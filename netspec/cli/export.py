"""The command `netspec export`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.api import MAX_LOSS
from netspec.cli.inputs import chosen_passes, find_run
from netspec.cli.options import DataOption, PassesOption, QuantizationName, RunArgument, RunsOption
from netspec.cli.output import show_remarks, stream_beside
from netspec.text.diagnostics import NetspecError


def export(
    run: RunArgument = None,
    onnx: Annotated[bool, typer.Option("--onnx", help="Write ONNX, the one format.")] = False,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help="Without it, model.onnx in the run."),
    ] = None,
    opset: Annotated[int | None, typer.Option(help="The version of ONNX's operators.")] = None,
    raw_input: Annotated[
        bool, typer.Option("--raw-input", help="Take uint8 pixels and divide them in the graph.")
    ] = False,
    quantize: Annotated[
        QuantizationName | None,
        typer.Option(help="A smaller file, tested beside the float32 model."),
    ] = None,
    max_loss: Annotated[
        float,
        typer.Option(
            metavar="FRACTION",
            help="What accuracy it may lose; without accuracy, how much of its loss it may add.",
        ),
    ] = MAX_LOSS,
    force: Annotated[bool, typer.Option("--force", help="Write it whatever it loses.")] = False,
    passes: PassesOption = None,
    data: DataOption = None,
    runs: RunsOption = Path("runs"),
) -> None:
    """Write a run as ONNX, compared with what its backend predicts.

    int8 is calibrated on training examples, with a scale for every channel of the weights; fp16
    keeps float32 inputs and outputs. Both need the data set.
    """
    if not onnx:
        raise NetspecError("no format was named", "write: netspec export --onnx")
    chosen = find_run(runs, run)
    show_remarks(chosen.remarks)
    from netspec.graph.summary import in_bytes
    from netspec.runs.export import export as export_run

    exported = export_run(
        chosen,
        output,
        opset=opset,
        raw_input=raw_input,
        passes=chosen_passes(passes),
        data=data,
        quantize=quantize,
        max_loss=max_loss,
        force=force,
    )
    show_remarks(exported.remarks)
    sizes, out = ", ".join(str(size) for size in exported.batches), stream_beside(exported.path)
    print(f"Wrote {exported.path} ({in_bytes(exported.size)}) from {chosen.path}", file=out)
    of = "Largest difference of the float32 model" if exported.quantized else "Largest difference"
    print(
        f"{of} from {exported.backend} at batches of {sizes}: {exported.difference:.1e}", file=out
    )
    if exported.quantized:
        print(exported.quantized.table(), file=out)
