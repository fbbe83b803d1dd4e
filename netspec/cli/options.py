"""Arguments and options that several commands have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import typer
from typer.core import TyperCommand

QuantizationName = Literal["int8", "fp16"]
ResizeName = Literal["stretch", "pad", "crop"]

SpecFile = Annotated[Path, typer.Argument(metavar="SPEC", help="A spec, a YAML file.")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY.PATH=VALUE", help="Set a value of the spec."),
]
RunArgument = Annotated[
    Path | None, typer.Argument(metavar="[RUN]", help="A run's folder; without it, the newest run.")
]
RunsOption = Annotated[
    Path, typer.Option("--runs", metavar="DIR", help="The folder that holds the runs.")
]


def _checked_device(name: str) -> str:
    from netspec.backend.devices import parse_device

    parse_device(name)
    return name


DeviceOption = Annotated[
    str,
    typer.Option(
        metavar="DEVICE",
        callback=_checked_device,
        help="Where to compute: auto, cpu, cuda, cuda:N for one of several GPUs, or tensorrt.",
    ),
]
PassesOption = Annotated[
    str | None,
    typer.Option(
        "--passes",
        metavar="PASSES",
        help="The optimizations: all, none, names with commas, or -NAME for all but one.",
    ),
]
DataOption = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="PATH",
        help="The npz file, or the folder of the files, instead of those that the spec names.",
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class OptionalValueCommand(TyperCommand):
    """A command with an option that has a value or none, which typer does not know.

    A spec after the option is the argument of the command, and not the value.
    """

    option: ClassVar[str]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:  # Any: typer's own click
        return super().parse_args(ctx, list(self._with_values(args)))

    def _with_values(self, args: Sequence[str]) -> Iterator[str]:
        """The arguments, with an empty value for the option where it has none."""
        for arg, following in pairwise([*args, "--"]):
            named = not following.startswith("-") and not following.endswith((".yaml", ".yml"))
            yield f"{arg}=" if arg == self.option and not named else arg
