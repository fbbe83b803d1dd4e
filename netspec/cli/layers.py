"""The command `netspec layers`."""

from __future__ import annotations

from typing import Annotated

import typer


def layers(
    name: Annotated[str | None, typer.Argument(metavar="[NAME]", help="A layer.")] = None,
) -> None:
    """List the vocabulary, or show a layer's fields, defaults and formula."""
    from netspec.language.vocabulary import describe, overview

    print(overview() if name is None else describe(name))
