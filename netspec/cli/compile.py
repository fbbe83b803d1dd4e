"""The command `netspec compile`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import overrides_of, read_network
from netspec.cli.options import PassesOption, SetOption, SpecFile
from netspec.cli.output import print_source, stream_beside


def compile_(
    spec: SpecFile,
    backend: Annotated[str, typer.Option(help="keras or torch.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Write it to a file.")
    ] = None,
    set_: SetOption = None,
    passes: PassesOption = None,
    diff: Annotated[
        bool, typer.Option("--diff", help="Show what the optimizations change in the module.")
    ] = False,
) -> None:
    """Print the module that a spec compiles to; it runs without netspec."""
    from netspec.api import difference, to_source

    network = read_network(spec, overrides_of(set_), passes)
    source = difference(network, backend) if diff else to_source(network, backend)
    if output is None:
        print_source(source)
        return
    from netspec.text.files import write_atomically

    write_atomically(output, source.encode())
    print(f"Wrote {output}", file=stream_beside(output))
