"""The command `netspec check`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.inputs import overrides_of
from netspec.cli.options import SetOption
from netspec.cli.output import print_source, show_error, show_warnings
from netspec.text.diagnostics import NetspecError, SuspiciousDataError

if TYPE_CHECKING:
    from netspec.network import Network


def check(
    specs: Annotated[list[Path], typer.Argument(metavar="SPEC...", help="Specs, YAML files.")],
    set_: SetOption = None,
    expanded: Annotated[
        bool,
        typer.Option("--expanded", help="Print the spec without variables, blocks and repetition."),
    ] = False,
    data: Annotated[
        bool, typer.Option("--data", help="Also open the data and run every check of them.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="With --data: a warning about the data is a fault.")
    ] = False,
) -> None:
    """Validate specs and infer their shapes; show every fault at its place, and the variables.

    With --data the data are opened, and what training would warn of is shown. Exits with status 1
    where a spec or its data have faults. Warnings leave the status 0, unless --strict is there too.
    """
    from netspec.language.expansion import variables
    from netspec.language.spec import resolved
    from netspec.network import build, overridden
    from netspec.text.writer import flow

    if expanded and len(specs) > 1:
        raise NetspecError("--expanded prints one spec", "name one file")
    if strict and not data:
        raise NetspecError("--strict is about warnings of the data", "add --data")
    overrides, failed = overrides_of(set_), 0
    for path in specs:
        try:
            source = overridden(path, overrides)
            network = build(source, path.parent)
            checked = _check_data(network, strict=strict) if data else None
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
        if checked:
            print(f"  data: {checked}")
    if failed:
        raise typer.Exit(1)


def _check_data(network: Network, *, strict: bool) -> str:
    """The parts of the data in words; warnings are shown. Raises DataError."""
    from netspec.data import load
    from netspec.data.suspicious import suspicions
    from netspec.text.diagnostics import one_of

    dataset = load(network)
    suspicious = suspicions(dataset, network)
    if suspicious and strict:
        raise SuspiciousDataError(suspicious)
    show_warnings(suspicious)
    parts = {"train": dataset.train, "validation": dataset.validation, "test": dataset.test}
    sizes = [f"{len(part):,} {name}" for name, part in parts.items() if part is not None]
    count = len(suspicious)
    warnings = f"{count:,} warning{'s' if count > 1 else ''}" if count else "no warnings"
    return f"{one_of(sizes, 'and')} examples, {warnings}"
