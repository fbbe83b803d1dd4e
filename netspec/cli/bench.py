"""The command `netspec bench`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.inputs import chosen_passes, overrides_of, read_network
from netspec.cli.options import DeviceOption, JsonOption, PassesOption, RunsOption, SetOption
from netspec.cli.output import check_plot, print_json, show_remarks
from netspec.text.diagnostics import NetspecError

if TYPE_CHECKING:
    from netspec.bench.forms import Named
    from netspec.bench.subject import Subject
    from netspec.text.override import Override


def bench(
    subject: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC_OR_RUN_OR_ONNX",
            help="A spec, a YAML file; a run's folder; or an exported ONNX file.",
        ),
    ],
    batch_sizes: Annotated[
        str, typer.Option(metavar="N,…", help="How many inputs a call gets.")
    ] = "1,32,256",
    forms: Annotated[
        str | None, typer.Option(metavar="NAME,…", help="Without it, all that are installed.")
    ] = None,
    seconds: Annotated[float, typer.Option(help="The time of each measurement.")] = 2.0,
    device: DeviceOption = "auto",
    set_: SetOption = None,
    passes: PassesOption = None,
    runs: RunsOption = Path("runs"),
    plot: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="Also draw a plot: a name that ends in .png, .svg or .pdf."
        ),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Measure how fast every form of a network predicts on this machine.

    The forms of the backends are: keras, torch, torch-compiled, onnx, onnx-fp16, onnx-int8.
    Each is measured in a separate process. A spec has the initial weights of its seed and gets
    random inputs; a run gets its test examples. An ONNX file is measured unchanged, on the test
    examples that its spec names. Exits with status 1 where no form could be measured.
    """
    from netspec import bench as room
    from netspec.bench.measure import steps
    from netspec.bench.progress import Terminal
    from netspec.bench.table import table

    sizes = room.batch_sizes(batch_sizes)
    chosen, left_out = _forms(subject, forms)
    settings = room.Settings(sizes, chosen, room.seconds(seconds), device)
    if plot is not None:
        check_plot(plot)
    measured = _subject(subject, runs, overrides_of(set_), passes, sizes[-1])
    try:
        with Terminal(steps(len(chosen), len(sizes))) as progress:
            result = room.bench(measured, settings, left_out, progress)
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped.\n")
        raise typer.Exit(130) from None
    show_remarks(result.remarks)
    if json_:
        print_json(result.to_json())
    else:
        print(f"{result.title}: {result.origin}")
        print(table(result.rows, result.noun))
        for line in left_out:
            print(line)
    if plot is not None:
        from netspec.bench.plot import draw

        draw(result, plot)
        if not json_:
            print(f"Wrote {plot}")
    if all(isinstance(row.result, str) for row in result.rows):
        raise typer.Exit(1)


def _subject(
    path: Path, runs: Path, overrides: list[Override], passes: str | None, count: int
) -> Subject:
    """The subject that a user names, with inputs for `count` examples."""
    from netspec.bench.subject import find_run, of_file, of_run, of_spec
    from netspec.runs.exported import is_exported
    from netspec.text.files import is_file

    if is_exported(path):
        if overrides or passes is not None:
            message = f"{path} is an ONNX file, and --set and --passes change specs"
            raise NetspecError(message, "name the spec or the run instead")
        return of_file(path, count)
    if is_file(path) or path.suffix in {".yaml", ".yml"}:
        return of_spec(read_network(path, overrides, passes), count)
    run = find_run(runs, path)
    if overrides:
        raise NetspecError(f"{run.path} is a run, and --set changes specs", "name the spec instead")
    return of_run(run, chosen_passes(passes), count)


def _forms(subject: Path, forms: str | None) -> tuple[tuple[Named, ...], tuple[str, ...]]:
    """The forms in which a subject is measured, and lines about forms that are left out."""
    from netspec import bench as room
    from netspec.bench.forms import of_file
    from netspec.runs.exported import is_exported

    if not is_exported(subject):
        return room.chosen_forms(forms)
    if forms is not None:
        message = f"{subject} is an ONNX file, which has one form"
        raise NetspecError(message, "leave --forms out, or name the spec or the run")
    return (of_file(subject),), ()
