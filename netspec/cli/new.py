"""The command `netspec new`."""

from __future__ import annotations

from typing import Annotated

import typer


def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The network's name.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write NAME.yaml, a commented spec that trains unchanged."""
    from netspec.language.template import write_new

    path = write_new(name, force=force)
    print(f"Wrote {path}. Train it with: netspec train {path} --backend keras")
