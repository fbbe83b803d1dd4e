"""Runs commands one after the other, each in a separate process that is measured and limited.

The processes are forks of one that has loaded what reads a spec, so that a command costs no more
than it does. Commands come as JSON on the standard input, one list of lists of arguments; what
became of them goes as JSON to the standard output.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

SECONDS = 10  # of a processor's time, after which a command is killed

KIBIBYTES = 1 / 1024 if sys.platform == "darwin" else 1  # in a unit of ru_maxrss


@dataclass(frozen=True)
class Measured:
    """How a command ended; `seconds` of a processor, and its largest memory."""

    status: int
    out: str
    seconds: float
    mebibytes: float


def measured(commands: Sequence[Sequence[str]], folder: Path) -> list[Measured]:
    """Run commands in a folder."""
    process = subprocess.run(
        [sys.executable, __file__],
        cwd=folder,
        input=json.dumps(commands),
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stderr
    return [Measured(**fields) for fields in json.loads(process.stdout)]


def _run(arguments: Sequence[str]) -> Measured:
    with tempfile.TemporaryFile() as out:
        child = os.fork()
        if child == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(out.fileno(), 2)
            _command(arguments)
        _, status, usage = os.wait4(child, 0)
        out.seek(0)
        output = out.read().decode(errors="backslashreplace")
    seconds = usage.ru_utime + usage.ru_stime
    mebibytes = usage.ru_maxrss * KIBIBYTES / 1024
    return Measured(os.waitstatus_to_exitcode(status), output, seconds, mebibytes)


def _command(arguments: Sequence[str]) -> None:
    """Run a command as the console script does, and end this process with its status."""
    from netspec.cli import main

    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    sys.argv = ["netspec", *arguments]
    status = 70
    try:
        main()
    except SystemExit as ended:
        status = int(ended.code or 0)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


def _prepare() -> None:
    """Load what reads and compiles a spec, and build the command line once for all forks."""
    import typer.main

    import netspec.cli.app
    from netspec.backend import find_training
    from netspec.graph.summary import summarize
    from netspec.network import loads

    network = loads(
        "netspec: 1\nname: a\ninput: [8, 8, 1]\nlayers:\n"
        "  - Conv2D: {filters: 2, kernel_size: 3}\n"
        "  - MaxPooling2D\n  - Flatten\n  - Dense: {units: 2, activation: softmax}\n"
    )
    summarize(network.graph)
    for backend in ("keras", "torch"):
        find_training(backend, framework=False).source(network)
    netspec.cli.app.app = typer.main.get_command(netspec.cli.app.app)


if __name__ == "__main__":
    _prepare()
    print(json.dumps([asdict(_run(arguments)) for arguments in json.load(sys.stdin)]))
