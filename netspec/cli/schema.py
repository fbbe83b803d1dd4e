"""The command `netspec schema`."""

from __future__ import annotations

from netspec.cli.output import print_json


def schema() -> None:
    """Print the JSON Schema of the language, for editors."""
    from netspec.language.vocabulary import json_schema

    print_json(json_schema())
