"""The command `netspec compile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import overrides_of, read_network
from netspec.cli.options import PassesOption, SetOption, SpecFile
from netspec.cli.output import print_source, stream_beside
from netspec.text.diagnostics import NetspecError


def compile_(
    spec: SpecFile,
    backend: Annotated[str, typer.Option(help="keras or torch; onnx with --stages.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to a file.")
    ] = None,
    set_: SetOption = None,
    passes: PassesOption = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what the optimizations change in the module.")
    ] = False,
    stages: Annotated[
        bool, typer.Option("--stages", help="Show the graph before and after each pass instead.")
    ] = False,
) -> None:
    """Print the module that a spec compiles to; it runs without netspec."""
    from netspec import api

    if diff and stages:
        raise NetspecError("--diff and --stages show different things", "leave one of them out")
    network = read_network(spec, overrides_of(set_), passes)
    show = api.difference if diff else api.stages if stages else api.to_source
    source = show(network, backend)
    if output is None:
        print_source(source)
        return
    from netspec.text.files import write_atomically

    write_atomically(output, source.encode())
    print(f"Wrote {output}", file=stream_beside(output))
