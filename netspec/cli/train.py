"""The command `netspec train`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from netspec.cli.inputs import overrides_of, read_network
from netspec.cli.options import (
    DataOption,
    DeviceOption,
    OptionalValueCommand,
    PassesOption,
    RunsOption,
    SetOption,
)
from netspec.text.diagnostics import NetspecError

if TYPE_CHECKING:
    from netspec.text.override import Override


class TrainCommand(OptionalValueCommand):
    """A command whose option --resume has a value or none."""

    option = "--resume"


def train(
    spec: Annotated[
        Path,
        typer.Argument(
            metavar="SPEC_OR_DATA",
            help="A spec, a YAML file; or data for which a spec is written first, as by `netspec "
            "new --from`.",
        ),
    ],
    backend: Annotated[
        str | None,
        typer.Option(
            help="keras or torch; without it, the environment variable NETSPEC_BACKEND or the only "
            "one installed."
        ),
    ] = None,
    epochs: Annotated[int | None, typer.Option(help="Instead of the spec's epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Instead of the spec's.")] = None,
    seed: Annotated[int | None, typer.Option(help="Instead of the spec's seed.")] = None,
    device: DeviceOption = "auto",
    set_: SetOption = None,
    passes: PassesOption = None,
    runs: RunsOption = Path("runs"),
    resume: Annotated[
        str | None,
        typer.Option(
            metavar="[RUN]",
            help="Go on with a run; without a name, with the newest run of exactly this spec.",
        ),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="What the data may take, as in 2GiB; larger data are read as they are needed. "
            "Without it, half of what there is.",
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Do not train on data that are suspicious.")
    ] = False,
    data: DataOption = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="Of a table: the column that the network learns to predict."
        ),
    ] = None,
) -> None:
    """Train a spec into a new run folder; test it at the end.

    For a folder of images, a CSV or Parquet file or an .npz file, a spec is written into the
    current folder, and trained.
    """
    from netspec.backend import default_training

    backend = default_training() if backend is None else backend
    spec = _spec_for(spec, target)
    options = {"epochs": epochs, "batch_size": batch_size, "seed": seed}
    network = read_network(spec, overrides_of(set_) + _training_overrides(options), passes)
    from netspec.data.memory import bytes_of
    from netspec.runs.progress import Terminal
    from netspec.runs.training import train as run_training

    most = bytes_of(memory) if memory else None
    progress = Terminal()
    try:
        run = run_training(
            network,
            backend,
            device=device,
            runs=runs,
            resume=Path(resume) if resume else resume is not None,
            memory=most,
            strict=strict,
            data=data,
            progress=progress,
        )
    except KeyboardInterrupt:
        progress.close()
        remedy = " Go on from the last complete epoch with --resume." if progress.run else ""
        sys.stderr.write(f"\nStopped.{remedy}\n")
        raise typer.Exit(130) from None
    finally:
        progress.close()
    names = sorted(path.name for path in run.path.iterdir() if path.name[0] != ".")
    print(f"Wrote {run.path}: {', '.join(names)}")


def _spec_for(path: Path, target: str | None) -> Path:
    """The spec that is trained: it is written first where the path is data. Raises NetspecError."""
    from netspec.data.drafts import is_data, network_name

    if not is_data(path):
        if target is not None:
            message = f"{path} is a spec, which names its target"
            raise NetspecError(message, "leave --target out; it is for tables")
        return path
    from netspec.cli.new import write_for

    help = f"train it: netspec train {network_name(path)}.yaml; or remove it"
    spec, seen = write_for(path, target, help=help)
    print("\n".join([*seen, f"Wrote {spec}, which is trained now"]))
    return spec


def _training_overrides(options: dict[str, int | None]) -> list[Override]:
    from netspec.text.override import Override

    return [
        Override(f"--{name.replace('_', '-')} {value}", f"train.{name}", str(value))
        for name, value in options.items()
        if value is not None
    ]
