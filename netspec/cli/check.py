"""The command `netspec check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import overrides_of
from netspec.cli.options import SetOption
from netspec.cli.output import print_source, show_error
from netspec.text.diagnostics import NetspecError


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Specs, YAML files.")],
    set_: SetOption = None,
    expanded: Annotated[
        bool,
        typer.Option("--expanded", help="Print the spec without variables, blocks and repetition."),
    ] = False,
) -> None:
    """Validate specs and infer their shapes; show every fault at its place, and the variables."""
    from netspec.language.expansion import variables
    from netspec.language.spec import resolved
    from netspec.network import build, overridden
    from netspec.text.writer import flow

    if expanded and len(specs) > 1:
        raise NetspecError("--expanded prints one spec", "name one file")
    overrides, failed = overrides_of(set_), 0
    for path in specs:
        try:
            source = overridden(path, overrides)
            network = build(source, path.parent)
        except NetspecError as error:
            show_error(error)
            sys.stderr.write("\n")
            failed += 1
            continue
        if expanded:
            print_source(resolved(network.spec))
            continue
        parameters = sum(node.parameters for node in network.graph.nodes)
        print(f"{path}: {len(network.graph.nodes)} layers, {parameters:,} parameters, no faults")
        for name, value in variables(source).items():
            print(f"  {name}: {flow(value)}")
    if failed:
        raise typer.Exit(1)
