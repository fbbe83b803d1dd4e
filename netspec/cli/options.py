"""Arguments and options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

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
