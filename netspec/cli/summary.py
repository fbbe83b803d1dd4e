"""The command `netspec summary`."""

from __future__ import annotations

from netspec.cli.inputs import overrides_of, read_network
from netspec.cli.options import JsonOption, SetOption, SpecFile
from netspec.cli.output import print_json


def summary(spec: SpecFile, set_: SetOption = None, json_: JsonOption = False) -> None:
    """Print the parameter table of a spec, without loading a framework."""
    from netspec.graph.summary import summarize, table, totals
    from netspec.language.layers import written

    result = summarize(read_network(spec, overrides_of(set_)).graph)
    if json_:
        print_json(result.to_json())
        return
    inputs = ", ".join(f"{name} {written(shape)}" for name, shape in result.inputs.items())
    print(f"{result.name}: {inputs}")
    print(table(result))
    print()
    for name, figure in totals(result):
        print(f"{name:15}{figure}")
