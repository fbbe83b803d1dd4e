"""Writes data as YAML, which the reader reads as the same data."""

from __future__ import annotations

import json
import re
from typing import Any

from netspec.text.source import resolve

MAX_IMPLICIT_KEY = 1000  # characters; a parser of YAML needs to look no further than 1,024


def flow(value: Any) -> str:  # Any: JSON data
    """JSON data in YAML's flow style. Texts are quoted where they would read as something else."""
    match value:
        case dict():
            items = (f"{_key(key)}: {flow(item)}" for key, item in value.items())  # pyright: ignore[reportUnknownVariableType,reportUnknownArgumentType] - JSON data
            return "{" + ", ".join(items) + "}"
        case list():
            return "[" + ", ".join(flow(item) for item in value) + "]"  # pyright: ignore[reportUnknownVariableType] - JSON data
        case str() if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_./-]*", value) and resolve(value) == value:
            return value
        case str():
            return f'"{"".join(map(_escaped, value))}"'
        case _:
            return json.dumps(value)


def _key(name: str) -> str:
    """A key in YAML's flow style; a very long one is announced (YAML 1.2.2, section 7.4.2)."""
    written = flow(name)
    return written if len(written) <= MAX_IMPLICIT_KEY else f"? {written} "


def _escaped(char: str) -> str:
    """A character within double quotes (YAML 1.2.2, section 5.7)."""
    if char in _ESCAPES or char.isprintable():
        return _ESCAPES.get(char, char)
    code = ord(char)
    return f"\\u{code:04x}" if code < 1 << 16 else f"\\U{code:08x}"


_ESCAPES = {'"': r"\"", "\\": r"\\", "\n": r"\n", "\t": r"\t"}
