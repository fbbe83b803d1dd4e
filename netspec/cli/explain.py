"""The command `netspec explain`."""

from __future__ import annotations

import re
from textwrap import fill
from typing import Annotated

import typer

from netspec.text.diagnostics import NetspecError, nearest


def explain(
    code: Annotated[
        str | None,
        typer.Argument(help="What is in the brackets of error[…]. Without it, all codes."),
    ] = None,
) -> None:
    """Explain the code of an error, such as shape, or list all codes."""
    print(_overview() if code is None else _explanation(code))


def _overview() -> str:
    """Every code with what it is about."""
    from netspec.text.codes import Code

    width = max(len(code) for code in Code) + 2
    lines = [
        f"{code:{width}}{re.split('[.:] |, so |, such as ', code.explanation)[0]}" for code in Code
    ]
    return "\n".join([*lines, "", "`netspec explain CODE` prints the whole explanation."])


def _explanation(name: str) -> str:
    """A code and its explanation, in lines for a terminal. Raises NetspecError."""
    from netspec.text.codes import Code

    codes = {code.value: code for code in Code}
    name = name.removeprefix("error").strip("[]")  # as it is written in a message
    if name not in codes:
        meant = nearest(name, list(codes))
        help = f"did you mean {meant}?" if meant else "`netspec explain` lists them"
        raise NetspecError(f"there is no code named {name!r}", help)
    return f"{name}\n\n{fill(codes[name].explanation, 88)}"
