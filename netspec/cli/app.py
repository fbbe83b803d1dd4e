"""The command line: one file for each command, which imports what it needs when it runs."""

from __future__ import annotations

import os
import sys
import warnings
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from netspec.cli.backends import backends
from netspec.cli.bench import bench
from netspec.cli.check import check
from netspec.cli.compile import compile_
from netspec.cli.data import DataCommand, data
from netspec.cli.evaluate import evaluate
from netspec.cli.explain import explain
from netspec.cli.export import export
from netspec.cli.layers import layers
from netspec.cli.new import new
from netspec.cli.output import show_error
from netspec.cli.predict import predict
from netspec.cli.schema import schema
from netspec.cli.summary import summary
from netspec.cli.train import TrainCommand, train
from netspec.process import own_process
from netspec.text.diagnostics import NetspecError

app = typer.Typer(
    name="netspec",
    help="Describe a neural network in YAML; train it on Keras or PyTorch; export it to ONNX.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(requested: bool) -> None:  # noqa: FBT001 - typer calls it so
    if requested:
        from importlib.metadata import version

        print(f"netspec {version('netspec')}")
        raise typer.Exit


@app.callback()
def options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Describe a neural network in YAML; train it on Keras or PyTorch; export it to ONNX."""


app.command()(check)
app.command(cls=DataCommand)(data)
app.command()(summary)
app.command(cls=DataCommand)(data)
app.command("compile")(compile_)
app.command(cls=TrainCommand)(train)
app.command()(evaluate)
app.command()(export)
app.command()(predict)
app.command()(bench)
app.command()(backends)
app.command()(layers)
app.command()(explain)
app.command()(schema)
app.command()(new)


def main() -> NoReturn:
    """Run the command line; a NetspecError ends it with a message and status 1."""
    _open_streams()
    stdout: object = sys.stdout
    if isinstance(stdout, TextIOWrapper):
        stdout.reconfigure(errors="replace")  # a terminal may know no more than ASCII
    with own_process(), warnings.catch_warnings():
        if not sys.warnoptions:
            warnings.simplefilter("ignore")  # of libraries: users get errors and notes
        status = _status()
    sys.exit(status)


def _status() -> int:
    """The status that a command ends with."""
    try:
        try:
            app(prog_name="netspec")
        finally:
            sys.stdout.flush()
    except NetspecError as error:
        show_error(error)
    except BrokenPipeError:
        _drop_output()
        sys.stderr.close()
    except MemoryError:
        help = "close other programs, or make the network, the batches or the data smaller"
        show_error(NetspecError("the memory of this machine is not enough", help))
    except OSError as error:
        _drop_output()
        target = error.filename or "the output"
        show_error(NetspecError(f"{target} cannot be read or written: {error.strerror or error}"))
    else:
        return 0
    return 1


def _open_streams() -> None:
    """Open standard streams that are closed: the next file would get their numbers, and outputs."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open("w" if number else "r", encoding="utf-8"))  # noqa: SIM115 - until the end


def _drop_output() -> None:
    """Leave out what stdout has not taken: Python would try again at its end, and complain."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
