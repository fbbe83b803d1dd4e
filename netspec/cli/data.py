"""The command `netspec data`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from netspec.cli.inputs import overrides_of, read_network
from netspec.cli.options import JsonOption, OptionalValueCommand, SetOption, SpecFile
from netspec.cli.output import check_plot, print_json, show_error


class DataCommand(OptionalValueCommand):
    """A command whose option --plot has a value or none."""

    option = "--plot"


def data(
    spec: SpecFile,
    set_: SetOption = None,
    plot: Annotated[
        str | None,
        typer.Option(
            metavar="[FILE]",
            help="Also draw examples, values and classes: a name that ends in .png, .svg or .pdf; "
            "without a name, SPEC_data.png in the current folder.",
        ),
    ] = None,
    json_: JsonOption = False,
) -> None:
    """Print what is in the data of a spec, without loading a framework.

    Shown are the parts and their sizes; the shape, the type, the range and the missing values of
    every column; the classes; equal examples; what was learned of a table's columns; and every
    warning. Exits with status 1 where the data cannot be used.
    """
    from netspec.data.facts import inspect
    from netspec.data.overview import overview, warnings

    network = read_network(spec, overrides_of(set_))
    file = Path(plot or f"{network.spec.name}_data.png") if plot is not None else None
    if file is not None:
        check_plot(file)
    facts, dataset = inspect(network)
    if json_:
        print_json(facts.to_json())
    else:
        print(overview(facts))
        if facts.error is None:
            print(f"\n{warnings(facts)}")
    if facts.error is not None:
        show_error(facts.error)
        raise typer.Exit(1)
    if file is not None and dataset is not None:
        from netspec.data.plot import draw

        draw(facts, dataset, network, file)
        if not json_:
            print(f"Wrote {file}")
