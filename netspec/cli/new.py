"""The command `netspec new`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from netspec.text.diagnostics import NetspecError


def new(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="The network's name; with --from, the name of the data without it."
        ),
    ] = None,
    template: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The spec to begin with; --list shows all of them."),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="DATA",
            help="Write a spec for your data: a folder of images, a CSV or Parquet file, or an "
            ".npz file.",
        ),
    ] = None,
    target: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN", help="The column of the table that the network learns to predict."
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
    list_: Annotated[bool, typer.Option("--list", help="List the templates.")] = False,
) -> None:
    """Write NAME.yaml, a commented spec that trains unchanged.

    With --from the data are looked at: the input, the layers, the loss and the number of epochs fit
    them. Without --from and --template it is a spec for scikit-learn's digits.
    """
    from netspec.language.template import checked_name, listing, write_new
    from netspec.language.template import template as text_of

    if list_:
        for title, description in listing():
            print(f"{title:15} {description}")
        return
    _check_options(template, from_, target)
    if from_ is not None:
        path, seen = write_for(from_, target, name, force=force)
        print("\n".join(seen))
    elif name is None:
        raise typer.BadParameter("Missing argument 'NAME'.")
    else:
        network = checked_name(name)
        path = write_new(network, text_of(template or "digits", network), force=force)
    print(f"Wrote {path}. Train it with: netspec train {path} --backend keras")
    for missing in _missing_files(path):
        remedy = "write your data there, or change the path"
        print(f"It reads {missing}, which is not there yet: {remedy}")


def _check_options(template: str | None, from_: Path | None, target: str | None) -> None:
    if template is not None and from_ is not None:
        raise NetspecError("--template and --from both choose the spec", "leave one of them out")
    if target is not None and from_ is None:
        raise NetspecError("--target is a column of a table", "name the table with --from")


def _missing_files(spec: Path) -> list[str]:
    """The files that a spec reads, as it writes them, and that are not there."""
    from netspec.network import load

    network = load(spec)
    paths = network.spec.data.paths.values() if network.spec.data else ()
    return [path for path in paths if not (network.folder / path).exists()]


def write_for(
    data: Path,
    target: str | None,
    name: str | None = None,
    **options: Any,  # Any: of write_new
) -> tuple[Path, tuple[str, ...]]:
    """Write a spec for data into the current folder; its path, and what was seen in the data.

    Without a name it has the name of the data. The options are of `write_new`. Raises
    NetspecError.
    """
    from netspec.data.drafts import Place, draft, network_name
    from netspec.language.template import checked_name, write_new

    network = network_name(data) if name is None else checked_name(name)
    written = draft(network, Place(data), target)
    return write_new(network, written.text, **options), written.seen
